"""A worker is frozen in its work until another has its item, and then continues."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_freeze import FAULT


def play(context: ScenarioContext) -> None:
    """Freeze the first worker that has begun an item.

    If the worker is quick, the harness holds it at its report at the latest.
    """
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    worker = context.worker_at(hit.address)
    context.container_of(worker)  # ask for it now: the freeze has to be quick
    context.set_breakpoint(context.points.settling, hit.address)
    context.resume(handle)
    context.wait_until_started(worker, hit)
    FAULT.inject(context, worker, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="frozen-past-lease",
    says="a worker is frozen in its work until another has its item, and then goes on",
    proves={"fine": ("S1", "S4", "S6", "S7", "S8", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
