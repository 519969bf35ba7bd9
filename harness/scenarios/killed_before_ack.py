"""A worker is killed when its work is done, and the broker has not heard of it."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_kill import FAULT


def play(stage: ScenarioContext) -> None:
    """Hold the first acknowledgement, read the worker's log to its end, kill it."""
    trap = stage.set_breakpoint(stage.points.settling)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    stage.drain_log(victim)
    FAULT.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


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
