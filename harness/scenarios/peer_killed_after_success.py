"""A worker dies when another has already exited with success: no pod replaces it."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.pod_delete import FAULT


def play(context: ScenarioContext) -> None:
    """Hold a worker after its acknowledgement until another has exited, then delete its pod."""
    handle = context.set_breakpoint(context.points.settled)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    context.wait(
        "another worker to leave with success", conditions.worker_succeeded(), context.bounds.end
    )
    FAULT.inject(context, victim, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="peer-killed-after-success",
    says="a worker dies after another has left with success",
    proves={"fine": ("J1", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
)
