"""S10: who left because the queue was empty left when it was, at one instant, not bit by bit."""

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


class _Full(NamedTuple):
    """A time without a moment in which nothing was there; `item` was there last."""

    since: float
    until: float
    item: Item


def check(view: RunModel) -> Iterator[Finding]:
    times, good = _full(view), 0
    leavers = [life for life in view.workers.values() if life.success and life.end]
    for life in leavers:
        finding = _left(view, life, times)
        good += finding is None
        if finding is not None:
            yield finding
    if good:
        yield passed(f"{several(good, 'exit')} with 0 after a moment in which nothing was there")
    elif not leavers:
        yield unknown("no worker has exited with 0")


def _left(view: RunModel, life: WorkerLifetime, times: list[_Full]) -> Finding | None:
    """Whether there was such a moment between the last that it had to do and its exit."""
    end, last = life.end, _last(life)
    assert end is not None
    place = bisect_right(times, last.at, key=lambda one: one.since) - 1
    if place < 0 or times[place].until < end.earliest:
        return None
    item = times[place].item
    holder = next((one.delivered for one in reversed(item.attempts)), item.enqueued[-1])
    evidence = evidence_ids(last, holder, end)
    who = view.names.short(life.worker)
    if times[place].until < end.latest:
        return unknown(f"{who} exited with 0 within a second of the end of the queue", *evidence)
    return failed(
        f"{who} exited with 0, and since it looked there was no moment in which nothing was there: "
        f"{shown(item.payload)} was",
        *evidence,
    )


def _last(life: WorkerLifetime) -> EventRef:
    """The last thing that it is known to have had, or else the first sign of it."""
    marks = [one.delivered for one in life.attempts]
    marks += [EventRef(one.ref.id, one.effect) for one in life.settled]
    opened = [one.opened for one in life.connections if one.opened]
    assert life.end is not None
    return max(marks or opened or [life.end.ref], key=lambda one: one.at)


def _full(view: RunModel) -> list[_Full]:
    """The times in which something was ready or leased, in their order."""
    found: list[_Full] = []
    for came, gone, item in sorted(_stays(view), key=lambda one: one[0]):
        if found and came <= found[-1].until:
            before = found[-1]
            if gone > before.until:
                found[-1] = _Full(before.since, gone, item)
        else:
            found.append(_Full(came, gone, item))
    return found


def _stays(view: RunModel) -> Iterator[tuple[float, float, Item]]:
    """From when until when each copy of an item was there."""
    for item in view.sent:
        ends = sorted([*(one.effect for one in item.settled), *[inf] * item.unsettled])
        for came, gone in zip(item.enqueued, ends, strict=False):
            yield came.at, gone, item


INVARIANT = Invariant("S10", "atomic emptiness", ("fine",), check, level="extended")
