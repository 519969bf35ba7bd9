"""A worker is killed in its work for want of memory: by the kernel, and without a word."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_oom import FAULT


def play(stage: ScenarioContext) -> None:
    """Kill the first who has begun an item; who is quick is held at its report until then."""
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    stage.container_of(victim)  # known beforehand: the kill has to be quick
    if stage.calibration.settles:
        stage.set_breakpoint(stage.points.settling, caught.address)
    stage.resume(trap)
    stage.wait_until_started(victim, caught)
    FAULT.inject(stage, victim, caught.address)
    stage.resume_client(caught.address)
    stage.wait_for_the_end()


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
