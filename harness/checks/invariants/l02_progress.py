"""L2: while an item is not begun and a worker is idle, something is delivered, in time."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from harness.checks.invariant import Invariant
from harness.checks.model import EventRef, RunModel, WorkerLifetime, without
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history import Worker

#: Seconds for which a worker that was told that there is nothing may pause before it asks again.
_PAUSE = 60.0
#: Seconds in which whoever asks is served.
_SERVED = 0.5
#: So many items in stock, begun while another waits, may be a small prefetch; and seconds for
#: which it waits, beside the work on these.
_STOCK, _LEAST = 3, 2.0


class _Change(NamedTuple):
    """At a moment an item (or an idle worker) is there, or is there no more."""

    at: float
    comes: bool
    item: bool
    ref: EventRef
    #: An item that goes does so by being delivered, and not because its holder begins it.
    delivered: bool


def _order(change: _Change) -> tuple[float, bool, bool]:
    """What comes is there before what goes at the same moment, and a delivery ends an idle time."""
    return change.at, not change.comes, not change.item


class _Stretch(NamedTuple):
    """A time in which an item was not begun and a worker idle, and nothing was delivered.

    `item` and `idle` were there when it began.
    """

    since: float
    item: EventRef
    idle: EventRef
    until: float
    delivered: bool


def check(view: RunModel) -> Iterator[Finding]:
    bound = view.header.bounds.progress
    good, late = 0, False
    for stretch in _stretches(sorted(_changes(view), key=_order)):
        lasted = stretch.until - stretch.since
        # Who was told that there is nothing, and has not asked since, may only have paused.
        pause = 0.0 if view.coarse or _asked(view, stretch) else _PAUSE
        if lasted > bound + pause:
            late = True
            yield failed(
                f"for {lasted:.1f} s an item was there and a worker idle, "
                "and nothing was delivered",
                *evidence_ids(stretch.item, stretch.idle),
            )
        else:
            good += stretch.delivered
    for finding in _hoarded(view):
        late = True
        yield finding
    if good and not late:
        yield passed(
            f"{several(good, 'time')} an idle worker was there for an item, and one was delivered"
        )
    elif not late:
        yield unknown("never was a worker seen to wait while an item was there")


def _asked(view: RunModel, stretch: _Stretch) -> bool:
    """Whether an idle worker asked in this time, or its earlier request still waited then.

    Not just before it was given one: that is its pause's end.
    """
    until = stretch.until - (_SERVED if stretch.delivered else 0.0)
    for one in view.idle.spans:
        if one.since >= stretch.until or one.until <= stretch.since:
            continue
        asks = view.workers[one.worker].requests
        last = asks.last(one.asked.at, max(until, stretch.since + _SERVED))
        if last is None or last.ref.at >= stretch.since:
            return True
        if not asks.told_empty(last.ref.at, stretch.since):
            return True
    return False


def _hoarded(view: RunModel) -> Iterator[Finding]:
    """Somebody asks in vain, while another begins one item after the other out of its stock.

    However short the work on each is: with more items the wait would be as much longer.
    """
    pace = view.header.figures.longest_pace or view.header.figures.most_work or 0.0
    stock = [
        (begun, mark, life)
        for life in view.workers.values()
        for mark, begun in _kept_in_stock(life)
        if begun > mark.at + _SERVED
    ]
    for one in view.idle.spans:
        for since, until in without(_storms(view, one.worker), (one.since, one.until)):
            if until - since < _STOCK * pace + _LEAST:
                continue
            by_holder: dict[Worker, list[tuple[float, EventRef]]] = {}
            for begun, mark, life in stock:
                if life.worker != one.worker and since + _SERVED < begun <= until:
                    by_holder.setdefault(life.worker, []).append((begun, mark))
            for holder, some in by_holder.items():
                some.sort(key=lambda each: each[0])
                (began, first), (ended, last) = some[0], some[-1]
                stretch = _Stretch(began, first, one.asked, ended, delivered=False)
                if len(some) > _STOCK and (view.coarse or _asked(view, stretch)):
                    yield failed(
                        f"{view.names.short(one.worker)} was idle for {until - since:.1f} s, while "
                        f"{view.names.short(holder)} began {len(some)} items, one after the other, "
                        "that it had kept in stock",
                        *evidence_ids(one.asked, last),
                    )
                    return


class _There:
    """Those that are there, and the one that has been there longest."""

    def __init__(self) -> None:
        self._order: deque[EventRef] = deque()
        self._gone: Counter[int] = Counter()
        self.count = 0

    def come(self, mark: EventRef) -> None:
        self._order.append(mark)
        self.count += 1

    def go(self, mark: EventRef) -> None:
        self._gone[mark.id] += 1
        self.count -= 1

    def first(self) -> EventRef:
        while self._gone[self._order[0].id]:
            self._gone[self._order.popleft().id] -= 1
        return self._order[0]


def _stretches(changes: Iterable[_Change]) -> Iterator[_Stretch]:
    """Each idle time has an end, and with the last of them ends what is still open."""
    items, idle = _There(), _There()
    begun: tuple[float, EventRef, EventRef] | None = None
    for change in changes:
        group = items if change.item else idle
        if change.comes:
            group.come(change.ref)
        else:
            if begun is not None and (change.delivered or group.count == 1):
                yield _Stretch(*begun, change.at, change.delivered)
                begun = None
            group.go(change.ref)
        if begun is None and items.count and idle.count:
            begun = change.at, items.first(), idle.first()


def _changes(view: RunModel) -> Iterator[_Change]:
    for item in view.sent:
        for wait in item.waits:
            yield from _span(wait.since.at, wait.until, wait.since, item=True, delivered=True)
    for life in view.workers.values():
        for mark, until in _kept_in_stock(life):
            yield from _span(mark.at, until, mark, item=True)
    for one in view.idle.spans:
        storms = _storms(view, one.worker)
        for since, until in without(storms, (one.since, one.until)):
            yield from _span(since, until, one.asked, item=False)


def _span(
    since: float, until: float | None, mark: EventRef, *, item: bool, delivered: bool = False
) -> Iterator[_Change]:
    """There from `since` to `until`; not at all where that is before it."""
    if until is None or until >= since:
        yield _Change(since, True, item, mark, delivered)
    if until is not None and until >= since:
        yield _Change(until, False, item, mark, delivered)


def _kept_in_stock(life: WorkerLifetime) -> Iterator[tuple[EventRef, float]]:
    """Items that were given to a worker, and when it could begin them.

    That is later than their delivery where it was at work on an earlier one.
    """
    busy = 0.0
    for attempt in life.attempts:
        begun = min(busy, attempt.started.at if attempt.started else busy)
        if life.end:
            begun = min(begun, life.end.earliest)
        if attempt.ended:
            begun = min(begun, attempt.ended.at)
        yield attempt.delivered, begun
        # What it never gave a sign of may have been dropped: that is no work.
        if attempt.ended and (attempt.started or attempt.how in ("settled", "returned")):
            busy = max(busy, attempt.ended.at)


def _storms(view: RunModel, worker: Worker) -> list[tuple[float, float]]:
    """The times in which a fault touched this worker, or everybody."""
    course = view.fault_log
    return [
        (harm.ref.at, course.healed[harm.fault].at if harm.fault in course.healed else view.last)
        for harm in course.injected
        if harm.worker == worker or harm.of_all
    ]


INVARIANT = Invariant("L2", "progress", ("coarse", "fine"), check)
