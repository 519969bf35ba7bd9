"""A worker's whole node dies while it has an item, and its pods must be given up."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps import spare_node
from harness.faults.node_kill import FAULT


def play(context: ScenarioContext) -> None:
    """Kill the node of a worker that has begun an item; it stays dead until the Job has ended."""
    with context.testbed.provider.exclusive_spare_node():
        victim, address = spare_node.start_worker_on_spare_node(context)
        with FAULT.active(context, victim, address):
            context.wait_for_the_end()


SCENARIO = Scenario(
    name="node-killed",
    says="the node of a worker dies while it has an item, and stays away",
    proves={"fine": ("N1", "S1", "S12", "L3"), "coarse": ("N1", "S1", "L3")},
    play=play,
    faults=(FAULT.name,),
    parallelism=3,
    pod=spare_node.SPREAD,
    level="extended",
)
