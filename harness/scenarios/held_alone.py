"""The only worker hangs at its acknowledgement until its lease ends, and then continues."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.connection_hold import FAULT


def play(context: ScenarioContext) -> None:
    """Hold the only worker: no other one can take the item over.

    So only the lease itself can make the report void.
    """
    handle = context.set_breakpoint(context.points.settling)
    context.start()
    hit = context.wait_for_hit(handle)
    holder = context.worker_at(hit.address)
    FAULT.inject(context, holder, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="held-alone",
    says="the only worker hangs until its lease is over, and then reports its item as done",
    proves={"fine": ("S1", "S4", "S6", "S7", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=2,
    parallelism=1,
    level="extended",
)
