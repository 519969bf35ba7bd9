"""A worker's whole node falls silent while it has an item, and comes back later."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps import spare_node
from harness.faults.node_freeze import FAULT


def play(context: ScenarioContext) -> None:
    """Freeze the node of a worker that has begun an item; no other run has pods there."""
    with context.testbed.provider.exclusive_spare_node():
        victim, address = spare_node.start_worker_on_spare_node(context)
        FAULT.inject(context, victim, address)
        context.wait_for_the_end()


SCENARIO = Scenario(
    name="node-lost",
    says="the node of a worker falls silent while it has an item",
    proves={"fine": ("N1", "S1", "S12", "L3"), "coarse": ("N1", "S1", "L3")},
    play=play,
    faults=(FAULT.name,),
    parallelism=3,
    pod=spare_node.SPREAD,
    level="extended",
)
