"""A worker runs out of memory in its work: the kernel kills it without a warning."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_oom import FAULT


def play(context: ScenarioContext) -> None:
    """Kill the first worker that has begun an item.

    If the worker is quick, the harness holds it at its report until then.
    """
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    context.container_of(victim)  # ask for it now: the kill has to be quick
    if context.calibration.settles:
        context.set_breakpoint(context.points.settling, hit.address)
    context.resume(handle)
    context.wait_until_started(victim, hit)
    FAULT.inject(context, victim, hit.address)
    context.resume_client(hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="out-of-memory",
    says="a worker is killed in its work because its container has no more memory",
    proves={
        "fine": ("S1", "S12", "L1", "L3"),
        "coarse": ("S1", "S12", "S13", "L1", "L3"),
    },
    play=play,
    faults=(FAULT.name,),
    items=4,
    level="extended",
)
