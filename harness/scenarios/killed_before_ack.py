"""A worker is killed after its work, and before the broker gets its report."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_kill import FAULT


def play(context: ScenarioContext) -> None:
    """Hold the first acknowledgement, read the worker's log to its end, and kill the worker."""
    handle = context.set_breakpoint(context.points.settling)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    context.drain_log(victim)
    FAULT.inject(context, victim, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="killed-before-ack",
    says="a worker is killed just before the broker hears that its item is done",
    proves={
        "fine": ("S1", "S12", "L1", "L3", "S4", "S6", "S7", "S8"),
        "coarse": ("S1", "S12", "S13", "L1", "L3", "S6", "S7"),
    },
    play=play,
    faults=(FAULT.name,),
    items=4,
)
