"""Whoever is given one item is killed: it must not take worker after worker."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.calibration import BACK_OFF
from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.delivery_limit import require_first_delivery
from harness.faults.container_kill import FAULT
from harness.history import (
    MAX_ATTEMPTS,
    ConnectionHeld,
    Event,
    ItemEnqueued,
    ItemSettled,
    Payload,
    Worker,
    payload,
)
from harness.tap.control.client import BreakpointHandle, RemoteHit
from harness.tap.points import Point

#: How many times as long as the first one the kubelet's pauses may become.
_PAUSES = 4
#: Seconds between two looks at what RabbitMQ has set aside, of which its wire says nothing.
_LOOK = 2.0
#: Seconds by which a worker's words may come later than what it says to its broker.
_WORDS = 5.0


def play(stage: ScenarioContext) -> None:
    """Kill whoever is given it, as often as is allowed; who is given it then may live."""
    item, most = stage.items[0], stage.recorder.header.max_attempts
    limited = stage.testbed.pattern.capabilities.has_delivery_limit
    poison = stage.points.delivered_of(item)
    since, trap, killed, passed_on = 0, stage.set_breakpoint(poison), list[Worker](), 0
    stage.start()
    if limited:
        require_first_delivery(stage)
    while _given(stage, poison, payload(item), since):
        caught = stage.wait_for_hit(trap)
        if len(killed) == most or passed_on > most:
            stage.resume(trap)
            break
        # Beforehand: RabbitMQ gives it to the next one as soon as this one is cut off.
        since, following = len(stage.recorder.events), stage.set_breakpoint(poison)
        victim = stage.worker_at(caught.address, but=killed)
        if limited and not _begins(stage, trap, caught, victim):
            passed_on += 1
        else:
            killed.append(victim)
            FAULT.inject(stage, victim, caught.address)
        trap = following
    stage.clear_breakpoints()
    if limited:  # the Job waits for a success that is not to come
        rest = conditions.all_settled(map(payload, stage.items[1:]), but=0)
        stage.recorder.wait_or_none("the rest to be done", rest, stage.bounds.end)
    else:
        stage.wait_for_the_end()


def _begins(
    stage: ScenarioContext, trap: BreakpointHandle, caught: RemoteHit, worker: Worker
) -> bool:
    """Let it have the item, and see what it does, up to its report: the queue counts by itself.

    Gives whether the item could have killed it. Who always tells of its work, but reports an item
    before any word of that, has not worked on it, and its report goes on.
    """
    known = stage.calibration
    settling = (
        stage.set_breakpoint(stage.points.settling, caught.address) if known.settles else None
    )
    stage.resume(trap)
    if settling is not None or known.figures.starts_matched is not None:
        stage.wait_until_started(worker, caught)
    if settling is not None:
        stage.clear_breakpoints(settling)
    if not (known.figures.starts_matched and known.figures.settles_after_work):
        return True
    what = "the worker to say that it begins the item"
    begun = conditions.starts(worker, payload(stage.items[0]))
    if stage.recorder.wait_or_none(what, begun, _WORDS) is not None:
        return True
    stage.testbed.tap.release(caught.address)
    return False


def _given(stage: ScenarioContext, poison: Point, item: Payload, since: int) -> bool:
    """Whether somebody is given it, before all that there is of it is set aside, or the Job over.

    `since`: how many events there were before anybody could be.
    """

    def find(events: Sequence[Event]) -> bool | None:
        found = given(events, poison.name, item, since)
        return False if found is None and stage.ended(events) is not None else found

    what = "the next who is given the item that kills"
    until = stage.recorder.elapsed() + stage.start_timeout + stage.reclaim + _PAUSES * BACK_OFF
    while stage.recorder.elapsed() < until:
        found = stage.recorder.wait_or_none(what, find, _LOOK)
        if found is not None:
            return found
        if stage.set_aside():
            return False
    return False


def given(events: Sequence[Event], point: str, item: Payload, since: int) -> bool | None:
    """Whether somebody is held at a point, since so many events, before all of an item is settled.

    None while that may still come: of what Redis tells, what was put there comes late, too.
    """
    what = [event.what for event in events]
    if any(isinstance(one, ConnectionHeld) and one.point == point for one in what[since:]):
        return True
    copies = sum(isinstance(one, ItemEnqueued) and one.item == item for one in what)
    settled = sum(isinstance(one, ItemSettled) and one.item == item for one in what)
    return False if 0 < copies <= settled else None


SCENARIO = Scenario(
    name="poison-item",
    says="whoever is given one of the items is killed",
    proves={"fine": ("L4", "S1", "S12", "L3"), "coarse": ("L4",)},
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=3,
    more_completions=3,
    tries=MAX_ATTEMPTS,
    level="extended",
)
