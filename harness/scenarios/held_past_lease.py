"""A worker hangs at its acknowledgement until another has its item, and then goes on."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.connection_hold import FAULT


def play(stage: ScenarioContext) -> None:
    """Hold all its connections until the item is another's, and let the late report through."""
    trap = stage.set_breakpoint(stage.points.settling)
    stage.start()
    caught = stage.wait_for_hit(trap)
    holder = stage.worker_at(caught.address)
    FAULT.inject(stage, holder, caught.address)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="held-past-lease",
    says="a worker hangs until its lease is over and another has its item, and then reports",
    proves={"fine": ("S1", "S4", "S5", "S6", "S7", "S8", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
