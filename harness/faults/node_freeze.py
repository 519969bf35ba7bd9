"""A whole node falls silent: its worker, its kubelet, all at once, and nobody is told."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps import spare_node
from harness.history import NODE_LOST, Worker
from harness.infra.cluster import Provider

#: Seconds after which a broker gives up a client that is silent, where heartbeats tell it.
_HEARTBEATS = 180.0


@dataclass(frozen=True)
class NodeFreeze:
    """Freezes a worker's node for longer than anybody has a claim on an item without a sign."""

    name: str = NODE_LOST

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes a node that nobody else has anything on."""
        return spare_node.unavailable_reason(provider)

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Freeze the node until its worker's item is another's, or could have been; then thaw."""
        provider, node = stage.testbed.provider, stage.pod(worker).node
        settle = stage.testbed.namespace.timeouts.settle
        given = stage.wait("the item of a worker", conditions.last_delivery_to(address), settle)
        taken = conditions.delivered_to_other(getattr(given.what, "item", ""), address, given.id)
        patience = (stage.lease or _HEARTBEATS) + (stage.bounds.pickup or stage.reclaim)
        begun = stage.injected(self.name, f"node {node}: frozen", worker)
        provider.freeze_node(node)
        try:
            shown = stage.recorder.wait_or_none("its being taken over", taken, patience)
        finally:
            provider.thaw_node(node)
        stage.resume_client(address)
        stage.confirmed(self.name, begun, (shown or given).id)
        stage.healed(self.name)


FAULT = NodeFreeze()
