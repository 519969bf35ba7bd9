"""The harness drains a node as for maintenance: no new pods, and its pods are evicted."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.graceful_stop import GRACE, wait_for_exit, wait_for_sigterm
from harness.history import DRAINED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class NodeDrain:
    """Drain a worker's node of the pods of its Job; pods of others stay."""

    name: str = DRAINED

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why the harness cannot run commands on nodes; empty if it can.

        Nodes that the harness cannot reach belong to others, and it must not cordon them.
        """
        return provider.node_access_error()

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Drain the node; return when the signal has arrived and the node takes pods again."""
        namespace, node = context.testbed.namespace, context.pod(worker).node
        evicted = [
            candidate for candidate in namespace.pods_of(context.job) if candidate.node == node
        ]
        description = f"node {node}: closed, and {len(evicted)} pods of the Job evicted"
        begun = context.injected(self.name, description, worker)
        with namespace.cordoned(node):
            for pod in evicted:
                namespace.evict_pod(pod.name, grace=GRACE)
            evidence = wait_for_sigterm(context, worker)
        context.confirmed(self.name, begun, evidence)

    def heal(self, context: ScenarioContext, worker: Worker) -> None:
        """Wait until the worker has exited."""
        wait_for_exit(context, worker)
        context.healed(self.name)


FAULT = NodeDrain()
