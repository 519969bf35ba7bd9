"""A pod is deleted with grace while its worker has an item: it can finish, or give it back."""

from __future__ import annotations

from harness.faults.pod_stop import FAULT
from harness.stage import Scenario, Stage


def play(stage: Stage) -> None:
    """Stop the first who has begun an item; who is quick is held at its report until then."""
    trap = stage.trap(stage.points.delivered)
    stage.start()
    caught = stage.catch(trap)
    victim = stage.worker_at(caught.address)
    if stage.learned.settles:
        stage.trap(stage.points.settling, caught.address)
    stage.free(trap)
    stage.has_begun(victim, caught)
    FAULT.inject(stage, victim, caught.address)
    stage.disarm()
    stage.station.tap.release(caught.address)
    FAULT.heal(stage, victim)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="stopped-in-work",
    says="a pod is deleted, with grace, while its worker has an item",
    proves={
        "fine": ("L7", "S1", "S9", "S12", "L3"),
        "coarse": ("L7", "S1", "S13", "L3"),
    },
    play=play,
    faults=(FAULT.name,),
    items=4,
    level="extended",
)
