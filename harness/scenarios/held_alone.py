"""The only worker hangs at its acknowledgement until its lease is over, and then goes on."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.connection_hold import FAULT


def play(stage: ScenarioContext) -> None:
    """Nobody is there to take the item over: only the lease itself can make the report void."""
    trap = stage.set_breakpoint(stage.points.settling)
    stage.start()
    caught = stage.wait_for_hit(trap)
    holder = stage.worker_at(caught.address)
    FAULT.inject(stage, holder, caught.address)
    stage.wait_for_the_end()


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
