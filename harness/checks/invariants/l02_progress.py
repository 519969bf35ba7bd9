"""L2: while an item is not begun and a worker is idle, an item is delivered in time."""

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

#: Seconds for which a worker may pause after an empty answer before it asks again.
_PAUSE = 60.0
#: Seconds within which the broker serves a request.
_SERVED = 0.5
#: This many prefetched items, begun while another worker waits, may be a small prefetch; and the
#: seconds that the other worker waits at least, in addition to the work on these.
_PREFETCH, _MIN_WAIT = 3, 2.0


class _Change(NamedTuple):
    """An item (or an idle worker) appears or disappears at a moment, in seconds."""

    at: float
    comes: bool
    item: bool
    ref: EventRef
    #: The item disappears because it is delivered, not because its holder begins it.
    delivered: bool


def _order(change: _Change) -> tuple[float, bool, bool]:
    """Sort arrivals before departures of the same moment; a delivery ends an idle time."""
    return change.at, not change.comes, not change.item


class _Stretch(NamedTuple):
    """An interval with an item not begun and a worker idle, in which nothing was delivered.

    `item` and `idle` are the events of an item and of an idle worker that were there at its start.
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
        # A worker that got an empty answer and has not asked since may only have paused.
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
    """Return whether an idle worker asked in the interval, or an earlier request was pending.

    A request just before a delivery does not count: it ends the pause of the worker.
    """
    until = stretch.until - (_SERVED if stretch.delivered else 0.0)
    for span in view.idle.spans:
        if span.since >= stretch.until or span.until <= stretch.since:
            continue
        asks = view.workers[span.worker].requests
        last = asks.last(span.asked.at, max(until, stretch.since + _SERVED))
        if last is None or last.ref.at >= stretch.since:
            return True
        if not asks.answered_empty(last.ref.at, stretch.since):
            return True
    return False


def _hoarded(view: RunModel) -> Iterator[Finding]:
    """Report a worker that waits in vain while another one works through its prefetched items.

    Short work is no excuse: with more items, the wait would be longer in proportion.
    """
    pace = view.header.figures.longest_pace or view.header.figures.most_work or 0.0
    prefetched = [
        (begun, event, life)
        for life in view.workers.values()
        for event, begun in _prefetched(life)
        if begun > event.at + _SERVED
    ]
    for span in view.idle.spans:
        for since, until in without(_disturbances(view, span.worker), (span.since, span.until)):
            if until - since < _PREFETCH * pace + _MIN_WAIT:
                continue
            by_holder: dict[Worker, list[tuple[float, EventRef]]] = {}
            for begun, event, life in prefetched:
                if life.worker != span.worker and since + _SERVED < begun <= until:
                    by_holder.setdefault(life.worker, []).append((begun, event))
            for holder, starts in by_holder.items():
                starts.sort(key=lambda start: start[0])
                (began, first), (ended, last) = starts[0], starts[-1]
                stretch = _Stretch(began, first, span.asked, ended, delivered=False)
                if len(starts) > _PREFETCH and (view.coarse or _asked(view, stretch)):
                    yield failed(
                        f"{view.names.short(span.worker)} was idle for {until - since:.1f} s, "
                        f"while {view.names.short(holder)} began {len(starts)} items, one after "
                        "the other, that it had kept in stock",
                        *evidence_ids(span.asked, last),
                    )
                    return


class _Present:
    """The events that are present now, and the one that has been present longest."""

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
    """Yield the stretches; each idle time has an end, so the last end closes an open stretch."""
    items, idle = _Present(), _Present()
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
        for event, until in _prefetched(life):
            yield from _span(event.at, until, event, item=True)
    for span in view.idle.spans:
        disturbed = _disturbances(view, span.worker)
        for since, until in without(disturbed, (span.since, span.until)):
            yield from _span(since, until, span.asked, item=False)


def _span(
    since: float, until: float | None, mark: EventRef, *, item: bool, delivered: bool = False
) -> Iterator[_Change]:
    """Yield the changes for a presence from `since` to `until`; none if `until` is earlier."""
    if until is None or until >= since:
        yield _Change(since, True, item, mark, delivered)
    if until is not None and until >= since:
        yield _Change(until, False, item, mark, delivered)


def _prefetched(life: WorkerLifetime) -> Iterator[tuple[EventRef, float]]:
    """Yield the items that a worker received, and the time when it could begin each of them.

    That time is later than the delivery if the worker was busy with an earlier item.
    """
    busy = 0.0
    for attempt in life.attempts:
        begun = min(busy, attempt.started.at if attempt.started else busy)
        if life.end:
            begun = min(begun, life.end.earliest)
        if attempt.ended:
            begun = min(begun, attempt.ended.at)
        yield attempt.delivered, begun
        # An item without any sign of work may have been dropped, which takes no time.
        if attempt.ended and (attempt.started or attempt.how in ("settled", "returned")):
            busy = max(busy, attempt.ended.at)


def _disturbances(view: RunModel, worker: Worker) -> list[tuple[float, float]]:
    """Return the intervals in which a fault affected this worker, or all workers."""
    fault_log = view.fault_log
    return [
        (
            fault.ref.at,
            fault_log.healed[fault.fault].at if fault.fault in fault_log.healed else view.last,
        )
        for fault in fault_log.injected
        if fault.worker == worker or fault.of_all
    ]


INVARIANT = Invariant("L2", "progress", ("coarse", "fine"), check)
