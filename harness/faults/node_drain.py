"""A node drained, as before its maintenance: no new pods, and those that are there are evicted."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import Stage
from harness.engine.steps.graceful_stop import GRACE, until_ended, until_told
from harness.history import DRAINED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class Drain:
    """Drains a worker's node of the pods of its Job; those of others stay."""

    name: str = DRAINED

    def available(self, provider: Provider) -> str:
        """Nodes that cannot be reached are somebody else's, and not to be closed."""
        return provider.reaches_nodes()

    def inject(self, stage: Stage, worker: Worker, address: str) -> None:
        """Returns when the signal has arrived, and the node takes pods again."""
        namespace, node = stage.station.namespace, stage.pod(worker).node
        there = [one for one in namespace.pods_of(stage.job) if one.node == node]
        to = f"node {node}: closed, and {len(there)} pods of the Job evicted"
        begun = stage.injected(self.name, to, worker)
        with namespace.closed(node):
            for pod in there:
                namespace.evict_pod(pod.name, grace=GRACE)
            shown = until_told(stage, worker)
        stage.confirmed(self.name, begun, shown)

    def heal(self, stage: Stage, worker: Worker) -> None:
        """Wait until the worker has ended."""
        until_ended(stage, worker)
        stage.healed(self.name)


FAULT = Drain()
