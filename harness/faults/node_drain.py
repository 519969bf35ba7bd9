"""A node drained, as before its maintenance: no new pods, and those that are there are evicted."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.graceful_stop import GRACE, wait_for_exit, wait_for_sigterm
from harness.history import DRAINED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class NodeDrain:
    """Drains a worker's node of the pods of its Job; those of others stay."""

    name: str = DRAINED

    def unavailable_reason(self, provider: Provider) -> str:
        """Nodes that cannot be reached are somebody else's, and not to be closed."""
        return provider.node_access_error()

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the signal has arrived, and the node takes pods again."""
        namespace, node = stage.testbed.namespace, stage.pod(worker).node
        there = [one for one in namespace.pods_of(stage.job) if one.node == node]
        to = f"node {node}: closed, and {len(there)} pods of the Job evicted"
        begun = stage.injected(self.name, to, worker)
        with namespace.cordoned(node):
            for pod in there:
                namespace.evict_pod(pod.name, grace=GRACE)
            shown = wait_for_sigterm(stage, worker)
        stage.confirmed(self.name, begun, shown)

    def heal(self, stage: ScenarioContext, worker: Worker) -> None:
        """Wait until the worker has ended."""
        wait_for_exit(stage, worker)
        stage.healed(self.name)


FAULT = NodeDrain()
