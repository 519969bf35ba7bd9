"""Another Job works on a neighbouring queue: neither touches what is the other's."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.neighbour_job import FAULT


def play(stage: ScenarioContext) -> None:
    """Hold our only worker with an item while the others work, for longer than its lease."""
    trap = stage.set_breakpoint(stage.points.settling or stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    stage.testbed.tap.hold(caught.address)
    worker = stage.worker_at(caught.address)
    FAULT.inject(stage, worker, stage.queue)
    stage.testbed.tap.release(caught.address)
    stage.resume(trap)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="neighbour",
    says="another Job works on a queue with a similar name",
    proves={"fine": ("S18", "S12", "L3"), "coarse": ("S18", "S12", "L3")},
    play=play,
    level="extended",
    faults=(FAULT.name,),
    items=3,
    parallelism=1,
    neighbour=True,
)
