"""A worker hangs at its acknowledgement until another has its item, and then continues."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.connection_hold import FAULT


def play(context: ScenarioContext) -> None:
    """Hold all connections until another worker has the item; then let the late report pass."""
    handle = context.set_breakpoint(context.points.settling)
    context.start()
    hit = context.wait_for_hit(handle)
    holder = context.worker_at(hit.address)
    FAULT.inject(context, holder, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="held-past-lease",
    says="a worker hangs until its lease is over and another has its item, and then reports",
    proves={"fine": ("S1", "S4", "S5", "S6", "S7", "S8", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
