"""S9: when a worker exits with 0, the work that its pattern requires is done."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from harness.checks.invariant import Invariant, failed_by_exit
from harness.checks.model import EventRef, Item, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Outcome, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    leavers = [life for life in view.workers.values() if life.success]
    if not leavers:
        yield unknown("no worker has exited with 0")
        return
    yield from _coarse(view, leavers) if view.coarse else _fine(view, leavers)


# -- coarse: one message ---------------------------------------------------------------------------


def _coarse(view: RunModel, leavers: list[WorkerLifetime]) -> Iterator[Finding]:
    stranger = next((attempt for attempt in view.attempts if attempt.worker is None), None)
    good = 0
    for life in leavers:
        who, count = view.names.short(life.worker), len(life.settled)
        events = [*(settlement.ref for settlement in life.settled), life.end]
        flaw = view.missing_evidence.get(life.settled[0].ref.id) if count == 1 else None
        if flaw is not None and flaw.outcome is Outcome.FAIL:
            yield failed(
                f"{who} exited with 0: {flaw.reason}", *flaw.evidence, *evidence_ids(life.end)
            )
        elif flaw is not None:
            yield unknown(
                f"{who} exited with 0: {flaw.reason}",
                *flaw.evidence,
                *evidence_ids(life.end),
                suspect=flaw.suspect,
            )
        elif count == 1:
            good += 1
        elif count == 0 and stranger is not None:
            yield unknown(
                f"nobody knows whose deliveries some are: {who} may have settled one",
                *evidence_ids(stranger.delivered, *events),
            )
        else:
            delivered = [attempt.delivered for attempt in life.attempts if attempt.settled is None][
                :1
            ]
            text = f"{who} exited with 0, and has settled {several(count, 'message')}"
            evidence = evidence_ids(*delivered, *events)
            yield failed(text, *evidence) if count else failed_by_exit(view, text, *evidence)
    if good:
        yield passed(
            f"{several(good, 'exit')} with 0, each after exactly one settled message"
            f"{_waiting_note(view, [(0.0, inf)])}"
        )


# -- fine: nothing ready, nothing leased -----------------------------------------------------------


#: Waits shorter than this, in seconds, are no reason to exit early; they are not reported.
_SHORT_WAIT = 5.0
#: An interval: start and end, in seconds.
_Span = tuple[float, float]


class _Presence(NamedTuple):
    """An item was in the broker from `came` until `gone` (infinite if it was never settled)."""

    gone: float
    came: EventRef
    item: Item


def _fine(view: RunModel, leavers: list[WorkerLifetime]) -> Iterator[Finding]:
    intervals = sorted(_presences(view), key=lambda interval: interval.gone)
    gone = [interval.gone for interval in intervals]
    first_from = [*intervals]
    # For each index, the earliest arrival from there on: one lookup shows whether any was there.
    for index in range(len(intervals) - 2, -1, -1):
        following = first_from[index + 1]
        if following.came.at < first_from[index].came.at:
            first_from[index] = following
    good = 0
    for life in leavers:
        end = life.end
        if end is None:
            continue
        certain, possible = bisect_right(gone, end.latest), bisect_right(gone, end.earliest)
        who = view.names.short(life.worker)
        if certain < len(intervals) and first_from[certain].came.at < end.earliest:
            culprit = first_from[certain]
            yield failed_by_exit(
                view,
                f"{who} exited with 0, and {shown(culprit.item.payload)} was not settled",
                *_evidence(culprit, end.ref, end.latest),
            )
        elif (last := _covered_by_turns(intervals, end)) is not None:
            yield failed(
                f"{who} exited with 0, and something was not settled all that time: "
                f"{shown(last.item.payload)} at the last",
                *_evidence(last, end.ref, end.latest),
            )
        elif possible < len(intervals) and first_from[possible].came.at < end.latest:
            culprit = first_from[possible]
            yield unknown(
                f"{who} exited with 0 within a second of the end of {shown(culprit.item.payload)}",
                *_evidence(culprit, end.ref, end.latest),
            )
        else:
            good += 1
    if good:
        spans = [(interval.came.at, interval.gone) for interval in intervals]
        yield passed(
            f"{several(good, 'exit')} with 0, each when all items were settled"
            f"{_waiting_note(view, _merged(spans))}"
        )


def _presences(view: RunModel) -> Iterator[_Presence]:
    for item in view.sent:
        ends = [settlement.effect for settlement in item.settled]
        # The broker set these aside without any traffic on the wire, so the time is unknown.
        silent = len(item.enqueued) - len(ends) - item.unsettled
        ends = sorted([*ends, *[-inf] * silent, *[inf] * item.unsettled])
        for came, end in zip(item.enqueued, ends, strict=False):
            yield _Presence(end, came, item)


def _covered_by_turns(times: list[_Presence], end: WorkerExit) -> _Presence | None:
    """Return the last of several items that covered, by turns, the time of a worker's exit."""
    reach, last = end.earliest, None
    for interval in sorted(times, key=lambda interval: interval.came.at):
        if interval.came.at >= reach:
            break
        if interval.gone > reach:
            reach, last = interval.gone, interval
    return last if reach > end.latest else None


# -- how long workers waited without leaving -------------------------------------------------------


def _merged(spans: list[_Span]) -> list[_Span]:
    """Return the union of the intervals, sorted and without overlaps."""
    merged: list[_Span] = []
    for since, until in sorted(spans):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged


def _waiting_note(view: RunModel, there: list[_Span]) -> str:
    """Describe how long a worker waited while an item was there, and how many items each had.

    No finite wait proves that a worker would not leave later, so the text gives its length.
    Returns an empty text if the longest wait was shorter than `_SHORT_WAIT`.
    """
    waits = [
        min(until, gone) - max(since, came)
        for life in view.workers.values()
        for since, until in _without_work(view, life)
        for came, gone in there
    ]
    longest = max(waits, default=0.0)
    if longest < _SHORT_WAIT:
        return ""
    most_items = max((len(life.attempts) for life in view.workers.values()), default=0)
    return (
        f"; none left in {longest:.0f} s without work, "
        f"{several(most_items, 'item')} a worker at most"
    )


def _without_work(view: RunModel, life: WorkerLifetime) -> Iterator[_Span]:
    """Yield the intervals in which a connected worker had no item."""
    stop = view.last if life.end is None else life.end.earliest
    free_since = min(
        (connection.opened.at for connection in life.connections if connection.opened), default=stop
    )
    for attempt in life.attempts:
        yield free_since, attempt.delivered.at
        free_since = max(free_since, stop if attempt.ended is None else attempt.ended.at)
    yield free_since, stop


def _evidence(one: _Presence, end: EventRef, latest: float) -> tuple[int, ...]:
    """Return the events that show the holder, the exit, and the later fate of the item."""
    holders = [attempt for attempt in one.item.attempts if attempt.delivered.at < latest]
    settled = [settlement.ref for settlement in one.item.settled if settlement.effect == one.gone]
    leftovers = [leftover.ref for leftover in one.item.left]
    delivered = holders[-1].delivered if holders else one.came
    return evidence_ids(delivered, end, *settled[:1], *leftovers[:1])


INVARIANT = Invariant("S9", "truthful exit", ("coarse", "fine"), check)
