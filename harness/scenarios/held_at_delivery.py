"""A worker hangs when the broker has given it an item, and before it has heard of that."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.connection_hold import FAULT


def play(stage: ScenarioContext) -> None:
    """Hold the answer, and all that would follow it, until another has taken the item over.

    Who takes an item in one step and its lease in another is stopped between the two.
    """
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    holder = stage.worker_at(caught.address)
    FAULT.inject(stage, holder, caught.address)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="held-at-delivery",
    says="a worker hangs just after it was given an item, until another has taken that over",
    proves={"fine": ("S1", "S4", "S6", "S7", "S8", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
