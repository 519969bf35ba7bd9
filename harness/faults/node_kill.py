"""The harness kills a worker's whole node: no process can shut down or report its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps import spare_node
from harness.history import NODE_KILLED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class NodeKill:
    """Kill a worker's node, and force-delete its pods as an operator does.

    No other component would do that: a Job waits for the pods of a dead node for as long as the
    cluster has them.
    """

    name: str = NODE_KILLED

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why there is no spare node, free of other work; empty if there is one."""
        return spare_node.unavailable_reason(provider)

    @contextlib.contextmanager
    def active(self, context: ScenarioContext, worker: Worker, address: str) -> Iterator[None]:
        """Keep the node dead for the block; meanwhile it takes no pods.

        Before the block, once another worker has the item or could have it, the harness gives up
        the pods of the node.
        """
        testbed, pod = context.testbed, context.pod(worker)
        namespace, settle = testbed.namespace, testbed.namespace.timeouts.settle
        delivery = context.wait(
            "the item of a worker", conditions.last_delivery_to(address), settle
        )
        taken_over = conditions.delivered_to_other(
            getattr(delivery.what, "item", ""), address, delivery.id
        )
        patience = (context.lease or 0.0) + (context.bounds.pickup or context.reclaim)
        with namespace.cordoned(pod.node):
            # The dying kernel may or may not close its connections. So the tap lets nothing pass,
            # and closes them towards the broker.
            description = f"node {pod.node}: all that runs on it killed at once"
            begun = context.cut_off(self.name, description, worker, address)
            testbed.provider.kill_node(pod.node)
            try:
                testbed.tap.cut(address)
                testbed.tap.release(address)
                context.recorder.wait_or_none("its being taken over", taken_over, patience)
                for candidate in namespace.pods_of(context.job):
                    if candidate.node == pod.node:
                        namespace.delete_pod(candidate.name, grace=0)
                pod_end = context.wait(
                    f"pod {pod.name} to be given up", conditions.pod_gone(worker.pod), settle
                )
                context.confirmed(self.name, begun, pod_end.id)
                context.healed(self.name)
                yield
            finally:
                testbed.provider.start_node(pod.node)


FAULT = NodeKill()
