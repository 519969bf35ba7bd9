"""The Job is deleted in mid-run, and (fine) made anew, and deleted again when all is done."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.job_delete import FAULT, delete


def play(stage: ScenarioContext) -> None:
    """Delete the Job as soon as somebody has begun an item.

    Coarse: how many messages are left, and so what a second Job's completions must be, is not
    known beforehand; no worker is to leave anything at any time.
    """
    one_each = stage.testbed.pattern.capabilities.one_item_per_pod
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    stage.resume(trap)
    stage.wait_until_started(victim, caught)
    FAULT.inject(stage, victim, caught.address)
    if not one_each:
        stage.start()
        stage.wait_for_the_end()
    delete(stage, drained=True)


SCENARIO = Scenario(
    name="job-deleted",
    says="the Job is deleted while its workers are at work, and when all is done",
    proves={"fine": ("L9", "S1"), "coarse": ("L9",)},
    play=play,
    faults=(FAULT.name,),
    items=4,
    level="extended",
)
