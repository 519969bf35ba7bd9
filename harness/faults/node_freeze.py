"""The harness freezes a whole node: its worker and kubelet fall silent without warning."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps import spare_node
from harness.history import NODE_LOST, Worker
from harness.infra.cluster import Provider

#: Seconds after which a broker gives up a silent client, where heartbeats detect it.
_HEARTBEAT_TIMEOUT = 180.0


@dataclass(frozen=True)
class NodeFreeze:
    """Freeze a worker's node for longer than a silent worker keeps its claim on an item."""

    name: str = NODE_LOST

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why there is no spare node, free of other work; empty if there is one."""
        return spare_node.unavailable_reason(provider)

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Freeze the node until another worker has the item, or could have it; then thaw it."""
        provider, node = context.testbed.provider, context.pod(worker).node
        settle = context.testbed.namespace.timeouts.settle
        delivery = context.wait(
            "the item of a worker", conditions.last_delivery_to(address), settle
        )
        taken_over = conditions.delivered_to_other(
            getattr(delivery.what, "item", ""), address, delivery.id
        )
        patience = (context.lease or _HEARTBEAT_TIMEOUT) + (
            context.bounds.pickup or context.reclaim
        )
        begun = context.injected(self.name, f"node {node}: frozen", worker)
        provider.freeze_node(node)
        try:
            takeover = context.recorder.wait_or_none("its being taken over", taken_over, patience)
        finally:
            provider.thaw_node(node)
        context.resume_client(address)
        context.confirmed(self.name, begun, (takeover or delivery).id)
        context.healed(self.name)


FAULT = NodeFreeze()
