"""L5: while some items are given back again and again, the others still get their turn."""

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
    """An item was ready for any worker until it was delivered, or until the history ended."""

    item: Item
    since: EventRef
    until: float


class _Passed(NamedTuple):
    """The number of times that an item was overtaken while it waited."""

    wait: _Wait
    times: int


def check(view: RunModel) -> Iterator[Finding]:
    returned = [attempt for attempt in view.attempts if _given_back(view, attempt)]
    if not returned:
        yield unknown("nobody has given an item back")
        return
    bound = view.enqueued * view.header.max_attempts
    overtaken = list(_overtaken(view))
    worst = max(overtaken, key=lambda entry: entry.times, default=None)
    if worst is not None and worst.times > bound:
        if all(attempt.how == "lost" for attempt in returned):
            reason = "its queue has put it back where it was, and counts nothing"
            yield unknown(
                f"an item was given back by hanging up: {reason}", *evidence_ids(returned[0].ended)
            )
            return
        yield failed(
            f"{shown(worst.wait.item.payload)} was overtaken {worst.times} times by what came to "
            f"the queue after it; with {several(view.enqueued, 'item')} the bound is {bound}",
            *evidence_ids(worst.wait.since, *_overtakers(view, worst.wait)),
        )
        return
    waiting = next((entry.wait for entry in overtaken if entry.wait.until > view.last), None)
    if waiting is not None:
        yield unknown(
            f"{shown(waiting.item.payload)} still waited when the history ended",
            *evidence_ids(waiting.since),
        )
        return
    most_times = worst.times if worst else 0
    yield passed(
        f"{several(len(returned), 'time')} an item was given back, and none was overtaken more "
        f"than {several(most_times, 'time')}",
        *evidence_ids(returned[0].ended),
    )


def _given_back(view: RunModel, attempt: Attempt) -> bool:
    """Return whether the worker returned it, or (coarse) disconnected and exited on its own."""
    if attempt.how == "lost":
        life = view.life(attempt.worker)
        return life is not None and life.end is not None and not life.end.by_signal
    return attempt.how == "returned"


def _waits(view: RunModel) -> Iterator[_Wait]:
    for item in view.sent:
        for wait in item.waits:
            yield _Wait(item, wait.since, view.last + 1 if wait.until is None else wait.until)


def _overtaken(view: RunModel) -> Iterator[_Passed]:
    """Yield for each wait of an item how many came later and were delivered earlier."""
    taken: list[float] = []  # negative times, so that most insertions are at the end
    # Items that came back at the same moment, by the end of one connection, are not later.
    for wait in sorted(_waits(view), key=lambda wait: (wait.since.id, wait.until), reverse=True):
        yield _Passed(wait, len(taken) - bisect_right(taken, -wait.until))
        insort(taken, -wait.until)


def _overtakers(view: RunModel, wait: _Wait) -> list[EventRef]:
    """Return the first and the last overtaking item: they came later and were taken earlier."""
    later = [other for other in _waits(view) if other.since.id > wait.since.id]
    overtakers = sorted(
        (other for other in later if other.until < wait.until), key=lambda other: other.until
    )
    return [overtakers[0].since, overtakers[-1].since]


INVARIANT = Invariant("L5", "no starvation", ("coarse", "fine"), check, level="extended")
