"""A worker dies when another has already left with success: nobody comes in its place."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.pod_delete import FAULT


def play(stage: ScenarioContext) -> None:
    """Hold a worker after its acknowledgement until another has left, then delete its pod."""
    trap = stage.set_breakpoint(stage.points.settled)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    stage.wait(
        "another worker to leave with success", conditions.worker_succeeded(), stage.bounds.end
    )
    FAULT.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="peer-killed-after-success",
    says="a worker dies after another has left with success",
    proves={"fine": ("J1", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
)
