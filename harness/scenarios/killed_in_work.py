"""A worker is killed in the middle of its work, also when it has acknowledged too early."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.first_log_line import FirstLogLine
from harness.faults.container_kill import FAULT


def play(stage: ScenarioContext) -> None:
    """Let an early acknowledgement pass, and kill before the end of the work.

    Who acknowledges at the end of its work is stopped there at the latest: its item is then
    not settled; so is one of whom nobody knows. Who does so before, has told the broker by then,
    and work that is cut off is lost.
    It is stopped with its first line, for on a busy machine a kill may come when all is done.
    Who never does, is killed with its delivery on the way: to the broker it has the item.
    """
    known = stage.calibration
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    stage.container_of(victim)  # known beforehand: the kill has to be quick
    if known.settles and known.figures.settles_after_work is not False:
        stage.set_breakpoint(stage.points.settling, caught.address)
        line = FirstLogLine.armed(stage, victim, caught.address)
        stage.resume(trap)
        stopped = line.wait(caught)
        if stopped is not None:
            stage.landed(FAULT.name, victim, stopped)
    elif known.settles:
        stage.set_breakpoint(stage.points.settled, caught.address)
        stage.resume(trap)
        stage.wait_until_started(victim, caught)
    FAULT.inject(stage, victim, caught.address)
    if known.figures.settles_after_work is False and conditions.finished(victim)(
        stage.recorder.events
    ):
        raise ScenarioNotApplicable(
            "the worker was not killed in its work",
            expected="its container to be gone before the end of the work on its item",
            seen="its log says that the work had ended",
            todo="let the work on an item last longer, if it can, or the machine do less",
        )
    stage.resume_client(caught.address)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="killed-in-work",
    says="a worker is killed in the middle of its work",
    proves={
        "fine": ("S1", "S12", "L1", "L3", "S4", "S6", "S7", "S8"),
        "coarse": ("S1", "S12", "S13", "L1", "L3", "S6", "S7"),
    },
    play=play,
    faults=(FAULT.name,),
    items=4,
)
