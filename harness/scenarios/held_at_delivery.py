"""A worker hangs after the broker gave it an item, and before it gets the delivery."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.connection_hold import FAULT


def play(context: ScenarioContext) -> None:
    """Hold the answer, and all later ones, until another worker has taken the item over.

    A worker that takes an item in one step and its lease in another is held between the two.
    """
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    holder = context.worker_at(hit.address)
    FAULT.inject(context, holder, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="held-at-delivery",
    says="a worker hangs just after it was given an item, until another has taken that over",
    proves={"fine": ("S1", "S4", "S6", "S7", "S8", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
