"""L5: while some items are given back again and again, the others have their turn."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import NamedTuple

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, Item, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


class _Wait(NamedTuple):
    """An item was there for whoever wants it, until it was delivered (or to the end)."""

    item: Item
    since: EventRef
    until: float


class _Passed(NamedTuple):
    """How often an item was overtaken while it waited."""

    wait: _Wait
    times: int


def check(view: RunModel) -> Iterator[Finding]:
    returned = [one for one in view.attempts if _given_back(view, one)]
    if not returned:
        yield unknown("nobody has given an item back")
        return
    bound = view.enqueued * view.header.max_attempts
    told = list(_overtaken(view))
    worst = max(told, key=lambda one: one.times, default=None)
    if worst is not None and worst.times > bound:
        if all(one.how == "lost" for one in returned):
            why = "its queue has put it back where it was, and counts nothing"
            yield unknown(
                f"an item was given back by hanging up: {why}", *evidence_ids(returned[0].ended)
            )
            return
        yield failed(
            f"{shown(worst.wait.item.payload)} was overtaken {worst.times} times by what came to "
            f"the queue after it; with {several(view.enqueued, 'item')} the bound is {bound}",
            *evidence_ids(worst.wait.since, *_overtakers(view, worst.wait)),
        )
        return
    waiting = next((one.wait for one in told if one.wait.until > view.last), None)
    if waiting is not None:
        yield unknown(
            f"{shown(waiting.item.payload)} still waited when the history ended",
            *evidence_ids(waiting.since),
        )
        return
    most = worst.times if worst else 0
    yield passed(
        f"{several(len(returned), 'time')} an item was given back, and none was overtaken more "
        f"than {several(most, 'time')}",
        *evidence_ids(returned[0].ended),
    )


def _given_back(view: RunModel, attempt: Attempt) -> bool:
    """Its worker has said so, or (coarse) has hung up and ended by itself."""
    if attempt.how == "lost":
        life = view.life(attempt.worker)
        return life is not None and life.end is not None and not life.end.by_signal
    return attempt.how == "returned"


def _waits(view: RunModel) -> Iterator[_Wait]:
    for item in view.sent:
        for wait in item.waits:
            yield _Wait(item, wait.since, view.last + 1 if wait.until is None else wait.until)


def _overtaken(view: RunModel) -> Iterator[_Passed]:
    """For each time that an item waited: how many came later, and were taken before it."""
    taken: list[float] = []  # backwards in time, so that nearly all are added at its end
    # What came in the same moment, by the end of one connection, did not come later.
    for wait in sorted(_waits(view), key=lambda one: (one.since.id, one.until), reverse=True):
        yield _Passed(wait, len(taken) - bisect_right(taken, -wait.until))
        insort(taken, -wait.until)


def _overtakers(view: RunModel, wait: _Wait) -> list[EventRef]:
    """The first and the last that was taken although it came later."""
    later = [one for one in _waits(view) if one.since.id > wait.since.id]
    passing = sorted((one for one in later if one.until < wait.until), key=lambda one: one.until)
    return [passing[0].since, passing[-1].since]


INVARIANT = Invariant("L5", "no starvation", ("coarse", "fine"), check, level="extended")
