"""When a worker was there for an item: connected, asking, with nothing in its hands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import msgspec

from harness.checks.model.event_ref import EventRef
from harness.checks.model.workers import WorkerLifetime
from harness.history import Worker

#: Seconds by which a request may be recorded after its answer.
_SKEW = 0.05
#: Times, from a moment up to another.
_Span = tuple[float, float]


class Idle(msgspec.Struct, frozen=True):
    """This worker was idle from `asked` on, until `until`."""

    worker: Worker
    asked: EventRef
    since: float
    until: float


class IdleTime:
    """All idle times of a run, and how much of it there was in a stretch of time."""

    def __init__(self, spans: Iterable[Idle]) -> None:
        self.spans = tuple(sorted(spans, key=lambda one: (one.since, one.until)))
        merged: list[_Span] = []
        for one in self.spans:
            if merged and one.since <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], one.until))
            else:
                merged.append((one.since, one.until))
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]
        self._before = [0.0]
        for start, end in merged:
            self._before.append(self._before[-1] + end - start)

    def within(self, since: float, until: float) -> float:
        """Seconds, of these, in which at least one worker was idle."""
        return max(0.0, self._up_to(until) - self._up_to(since))

    def _up_to(self, moment: float) -> float:
        place = bisect_right(self._starts, moment)
        if place == 0:
            return 0.0
        return self._before[place] - max(0.0, self._ends[place - 1] - moment)


def idle_times(lives: Iterable[WorkerLifetime], end: float) -> Iterator[Idle]:
    """When each worker was idle, and not held; the history ends at `end`."""
    for life in lives:
        stop = min(end, life.end.earliest if life.end else end)
        held = _held(life, end)
        for since, until in _hands_free(life, stop):
            ask = life.requests.first(since, until + _SKEW)
            if ask is None:
                continue
            start, over = min(ask.ref.at, until), until
            last = life.requests.last(since, until) or ask
            if last.room == 0:
                over = min(over, last.ref.at)
            closed = {one.number: one.closed for one in life.connections}.get(last.connection)
            if closed:
                over = min(over, closed.at)
            # Who is served at once was idle, too, if only for a moment.
            for free in without(held, (min(start, over), over)):
                yield Idle(life.worker, ask.ref, *free)


def _hands_free(life: WorkerLifetime, stop: float) -> Iterator[_Span]:
    """The times in which it had no item."""
    free = 0.0
    for attempt in life.attempts:
        if attempt.delivered.at > free:
            yield free, min(attempt.delivered.at, stop)
        free = max(free, attempt.ended.at if attempt.ended else stop)
    if free < stop:
        yield free, stop


def _held(life: WorkerLifetime, end: float) -> list[_Span]:
    spans = [
        (hold.held.at, hold.released.at if hold.released else end)
        for connection in life.connections
        for hold in connection.holds
    ]
    return sorted(spans)


def without(taken: Iterable[_Span], span: _Span) -> Iterator[_Span]:
    """What is left of a span when others, in the order of their beginnings, are taken out."""
    since, until = span
    for start, end in taken:
        if start > until or (start == until and since < until):
            break
        if end > since:
            if start > since:
                yield since, start
            since = end
    if since < until or (since, until) == span:
        yield since, until
