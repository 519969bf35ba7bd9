"""A worker is frozen in the middle of its work until another has its item, and then goes on."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_freeze import FAULT


def play(stage: ScenarioContext) -> None:
    """Freeze the first who has begun; where it is quick, it is stopped at its report at last."""
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    worker = stage.worker_at(caught.address)
    stage.container_of(worker)  # known beforehand: the freeze has to be quick
    stage.set_breakpoint(stage.points.settling, caught.address)
    stage.resume(trap)
    stage.wait_until_started(worker, caught)
    FAULT.inject(stage, worker, caught.address)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="frozen-past-lease",
    says="a worker is frozen in its work until another has its item, and then goes on",
    proves={"fine": ("S1", "S4", "S6", "S7", "S8", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
