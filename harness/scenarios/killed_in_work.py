"""A worker is killed in the middle of its work, also when it has acknowledged too early."""

from __future__ import annotations

from harness.faults.container_kill import FAULT
from harness.stage import Scenario, Stage


def play(stage: Stage) -> None:
    """Let an early acknowledgement pass, and kill before the end of the work.

    Who acknowledges at the end of its work is stopped there at the latest: its item is then
    not settled. Who does not, has told the broker by then, and work that is cut off is lost.
    """
    late = stage.learned.figures.settles_after_work is True
    trap = stage.trap(stage.points.delivered)
    stage.start()
    caught = stage.catch(trap)
    victim = stage.worker_at(caught.address)
    limit = stage.points.settling if late else stage.points.settled
    if limit is not None:
        stage.trap(limit, caught.address)
    stage.free(trap)
    stage.has_begun(victim, caught.connection)
    FAULT.inject(stage, victim, caught.address)
    stage.disarm()
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="killed-in-work",
    says="a worker is killed in the middle of its work",
    proves={
        "fine": ("S1", "S12", "L1", "L3"),
        "coarse": ("S1", "S12", "S13", "L1", "L3"),
    },
    play=play,
    faults=(FAULT.name,),
    items=4,
)
