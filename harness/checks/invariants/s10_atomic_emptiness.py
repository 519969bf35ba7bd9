"""S10: a worker exits for an empty queue only if all of it was empty at a single instant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from harness.checks.invariant import Invariant
from harness.checks.model import EventRef, Item, RunModel, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


class _BusyInterval(NamedTuple):
    """An interval in which the broker was never empty; `item` was there last."""

    since: float
    until: float
    item: Item


def check(view: RunModel) -> Iterator[Finding]:
    times, good = _busy_intervals(view), 0
    leavers = [life for life in view.workers.values() if life.success and life.end]
    for life in leavers:
        finding = _early_exit(view, life, times)
        good += finding is None
        if finding is not None:
            yield finding
    if good:
        yield passed(f"{several(good, 'exit')} with 0 after a moment in which nothing was there")
    elif not leavers:
        yield unknown("no worker has exited with 0")


def _early_exit(view: RunModel, life: WorkerLifetime, times: list[_BusyInterval]) -> Finding | None:
    """Report an exit if the broker was never empty between the last work and that exit."""
    end, last = life.end, _last_work(life)
    assert end is not None
    index = bisect_right(times, last.at, key=lambda interval: interval.since) - 1
    if index < 0 or times[index].until < end.earliest:
        return None
    item = times[index].item
    holder = next((attempt.delivered for attempt in reversed(item.attempts)), item.enqueued[-1])
    evidence = evidence_ids(last, holder, end)
    who = view.names.short(life.worker)
    if times[index].until < end.latest:
        return unknown(f"{who} exited with 0 within a second of the end of the queue", *evidence)
    return failed(
        f"{who} exited with 0, and since it looked there was no moment in which nothing was there: "
        f"{shown(item.payload)} was",
        *evidence,
    )


def _last_work(life: WorkerLifetime) -> EventRef:
    """Return the worker's last item event, or else its latest connection or its end."""
    events = [attempt.delivered for attempt in life.attempts]
    events += [EventRef(settlement.ref.id, settlement.effect) for settlement in life.settled]
    opened = [connection.opened for connection in life.connections if connection.opened]
    assert life.end is not None
    return max(events or opened or [life.end.ref], key=lambda event: event.at)


def _busy_intervals(view: RunModel) -> list[_BusyInterval]:
    """Return the intervals in which an item was ready or leased, in order."""
    intervals: list[_BusyInterval] = []
    for came, gone, item in sorted(_stays(view), key=lambda stay: stay[0]):
        if intervals and came <= intervals[-1].until:
            before = intervals[-1]
            if gone > before.until:
                intervals[-1] = _BusyInterval(before.since, gone, item)
        else:
            intervals.append(_BusyInterval(came, gone, item))
    return intervals


def _stays(view: RunModel) -> Iterator[tuple[float, float, Item]]:
    """Yield when each copy of an item came, when it went (both in seconds), and the item."""
    for item in view.sent:
        ends = sorted(
            [*(settlement.effect for settlement in item.settled), *[inf] * item.unsettled]
        )
        for came, gone in zip(item.enqueued, ends, strict=False):
            yield came.at, gone, item


INVARIANT = Invariant("S10", "atomic emptiness", ("fine",), check, level="extended")
