"""The Job is deleted in mid-run, (fine) created again, and deleted again after the work."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.job_delete import FAULT, delete


def play(context: ScenarioContext) -> None:
    """Delete the Job as soon as a worker has begun an item.

    Coarse: the number of remaining messages, and so the completions of a second Job, is not known
    in advance. A worker must leave nothing at any time.
    """
    one_each = context.testbed.pattern.capabilities.one_item_per_pod
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    context.resume(handle)
    context.wait_until_started(victim, hit)
    FAULT.inject(context, victim, hit.address)
    if not one_each:
        context.start()
        context.wait_for_the_end()
    delete(context, drained=True)


SCENARIO = Scenario(
    name="job-deleted",
    says="the Job is deleted while its workers are at work, and when all is done",
    proves={"fine": ("L9", "S1"), "coarse": ("L9",)},
    play=play,
    faults=(FAULT.name,),
    items=4,
    level="extended",
)
