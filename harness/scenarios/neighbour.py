"""Another Job works on a neighbouring queue: neither Job touches the other's items."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.neighbour_job import FAULT


def play(context: ScenarioContext) -> None:
    """Hold our only worker with an item, for longer than its lease, while the other Job works."""
    handle = context.set_breakpoint(context.points.settling or context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    context.testbed.tap.hold(hit.address)
    worker = context.worker_at(hit.address)
    FAULT.inject(context, worker, context.queue)
    context.testbed.tap.release(hit.address)
    context.resume(handle)
    context.wait_for_the_end()


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
