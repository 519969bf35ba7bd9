"""S9: exit code 0 says that the pattern's work is done, and it is."""

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
    stranger = next((one for one in view.attempts if one.worker is None), None)
    good = 0
    for life in leavers:
        who, count = view.names.short(life.worker), len(life.settled)
        marks = [*(one.ref for one in life.settled), life.end]
        flaw = view.flaws.get(life.settled[0].ref.id) if count == 1 else None
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
                *evidence_ids(stranger.delivered, *marks),
            )
        else:
            given = [one.delivered for one in life.attempts if one.settled is None][:1]
            text = f"{who} exited with 0, and has settled {several(count, 'message')}"
            evidence = evidence_ids(*given, *marks)
            yield failed(text, *evidence) if count else failed_by_exit(view, text, *evidence)
    if good:
        yield passed(
            f"{several(good, 'exit')} with 0, each after exactly one settled message"
            f"{_tempted(view, [(0.0, inf)])}"
        )


# -- fine: nothing ready, nothing leased -----------------------------------------------------------


#: Waits of fewer seconds tempt nobody to leave, and are not told.
_BRIEF = 5.0
#: Times, from a moment up to another.
_Span = tuple[float, float]


class _Time(NamedTuple):
    """An item was there from one moment until another (which is the last, for ever)."""

    gone: float
    came: EventRef
    item: Item


def _fine(view: RunModel, leavers: list[WorkerLifetime]) -> Iterator[Finding]:
    times = sorted(_times(view), key=lambda one: one.gone)
    gone = [one.gone for one in times]
    latest_first = [*times]
    # From each place on, which item came first: so one look tells whether any was there.
    for index in range(len(times) - 2, -1, -1):
        following = latest_first[index + 1]
        if following.came.at < latest_first[index].came.at:
            latest_first[index] = following
    good = 0
    for life in leavers:
        end = life.end
        if end is None:
            continue
        lasting, possible = bisect_right(gone, end.latest), bisect_right(gone, end.earliest)
        who = view.names.short(life.worker)
        if lasting < len(times) and latest_first[lasting].came.at < end.earliest:
            one = latest_first[lasting]
            yield failed_by_exit(
                view,
                f"{who} exited with 0, and {shown(one.item.payload)} was not settled",
                *_evidence(one, end.ref, end.latest),
            )
        elif (last := _one_after_the_other(times, end)) is not None:
            yield failed(
                f"{who} exited with 0, and something was not settled all that time: "
                f"{shown(last.item.payload)} at the last",
                *_evidence(last, end.ref, end.latest),
            )
        elif possible < len(times) and latest_first[possible].came.at < end.latest:
            one = latest_first[possible]
            yield unknown(
                f"{who} exited with 0 within a second of the end of {shown(one.item.payload)}",
                *_evidence(one, end.ref, end.latest),
            )
        else:
            good += 1
    if good:
        there = [(one.came.at, one.gone) for one in times]
        yield passed(
            f"{several(good, 'exit')} with 0, each when all items were settled"
            f"{_tempted(view, _merged(there))}"
        )


def _times(view: RunModel) -> Iterator[_Time]:
    for item in view.sent:
        ends = [one.effect for one in item.settled]
        # Set aside by the broker, without a word on the wire: nobody can say when.
        silent = len(item.enqueued) - len(ends) - item.unsettled
        ends = sorted([*ends, *[-inf] * silent, *[inf] * item.unsettled])
        for came, end in zip(item.enqueued, ends, strict=False):
            yield _Time(end, came, item)


def _one_after_the_other(times: list[_Time], end: WorkerExit) -> _Time | None:
    """The last of several items that were there by turns while a worker may have exited."""
    reach, last = end.earliest, None
    for one in sorted(times, key=lambda each: each.came.at):
        if one.came.at >= reach:
            break
        if one.gone > reach:
            reach, last = one.gone, one
    return last if reach > end.latest else None


# -- for how long it was tempted -------------------------------------------------------------------


def _merged(spans: list[_Span]) -> list[_Span]:
    """The times in which at least one of them was, in their order."""
    found: list[_Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((since, until))
    return found


def _tempted(view: RunModel, there: list[_Span]) -> str:
    """For how long a worker had nothing while something was there, and how much others had.

    No finite wait proves that none leaves later: so it is said how long it was.
    """
    waits = [
        min(until, gone) - max(since, came)
        for life in view.workers.values()
        for since, until in _without_work(view, life)
        for came, gone in there
    ]
    longest = max(waits, default=0.0)
    if longest < _BRIEF:
        return ""
    most = max((len(life.attempts) for life in view.workers.values()), default=0)
    return f"; none left in {longest:.0f} s without work, {several(most, 'item')} a worker at most"


def _without_work(view: RunModel, life: WorkerLifetime) -> Iterator[_Span]:
    """The times in which a worker that had come had no item."""
    stop = view.last if life.end is None else life.end.earliest
    came = min((one.opened.at for one in life.connections if one.opened), default=stop)
    for attempt in life.attempts:
        yield came, attempt.delivered.at
        came = max(came, stop if attempt.ended is None else attempt.ended.at)
    yield came, stop


def _evidence(one: _Time, end: EventRef, latest: float) -> tuple[int, ...]:
    """Who had it at that time, that exit, and what became of it."""
    holders = [each for each in one.item.attempts if each.delivered.at < latest]
    settled = [each.ref for each in one.item.settled if each.effect == one.gone]
    left = [each.ref for each in one.item.left]
    given = holders[-1].delivered if holders else one.came
    return evidence_ids(given, end, *settled[:1], *left[:1])


INVARIANT = Invariant("S9", "truthful exit", ("coarse", "fine"), check)
