"""A worker is killed in the middle of its work, also if it acknowledges too early."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.first_log_line import FirstLogLine
from harness.faults.container_kill import FAULT


def play(context: ScenarioContext) -> None:
    """Let an early acknowledgement pass, and kill the worker before its work ends.

    A worker that acknowledges at the end of its work is held at its report at the latest, so that
    its item is not settled. The same holds for a worker whose order is unknown. The harness stops
    it with its first log line, for on a busy machine a kill may come when the work is done.

    A worker that acknowledges before its work has done so by then, and work that is cut off is
    lost.

    A worker that never acknowledges is killed with its delivery on the way: for the broker it has
    the item.
    """
    known = context.calibration
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    context.container_of(victim)  # ask for it now: the kill has to be quick
    if known.settles and known.figures.settles_after_work is not False:
        context.set_breakpoint(context.points.settling, hit.address)
        line = FirstLogLine.armed(context, victim, hit.address)
        context.resume(handle)
        stopped = line.wait(hit)
        if stopped is not None:
            context.landed(FAULT.name, victim, stopped)
    elif known.settles:
        context.set_breakpoint(context.points.settled, hit.address)
        context.resume(handle)
        context.wait_until_started(victim, hit)
    FAULT.inject(context, victim, hit.address)
    if known.figures.settles_after_work is False and conditions.finished(victim)(
        context.recorder.events
    ):
        raise ScenarioNotApplicable(
            "the worker was not killed in its work",
            expected="its container to be gone before the end of the work on its item",
            seen="its log says that the work had ended",
            todo="let the work on an item last longer, if it can, or the machine do less",
        )
    context.resume_client(hit.address)
    context.wait_for_the_end()


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
