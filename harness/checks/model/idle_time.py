"""Times when a worker was idle: connected, waiting for an item, with no item at work."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import msgspec

from harness.checks.model.event_ref import EventRef
from harness.checks.model.workers import WorkerLifetime
from harness.history import Worker

#: Seconds by which a request may be recorded after its answer.
_SKEW = 0.05
#: A time span: start and end, in seconds.
_Span = tuple[float, float]


class Idle(msgspec.Struct, frozen=True):
    """A worker was idle from `since` to `until`; `asked` is its request."""

    worker: Worker
    asked: EventRef
    since: float
    until: float


class IdleTime:
    """All idle times of a run, and their total within an interval."""

    def __init__(self, spans: Iterable[Idle]) -> None:
        self.spans = tuple(sorted(spans, key=lambda span: (span.since, span.until)))
        merged: list[_Span] = []
        for span in self.spans:
            if merged and span.since <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], span.until))
            else:
                merged.append((span.since, span.until))
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]
        self._before = [0.0]
        for start, end in merged:
            self._before.append(self._before[-1] + end - start)

    def within(self, since: float, until: float) -> float:
        """Return the seconds of this interval in which at least one worker was idle."""
        return max(0.0, self._idle_until(until) - self._idle_until(since))

    def _idle_until(self, moment: float) -> float:
        index = bisect_right(self._starts, moment)
        if index == 0:
            return 0.0
        return self._before[index] - max(0.0, self._ends[index - 1] - moment)


def idle_times(lives: Iterable[WorkerLifetime], end: float) -> Iterator[Idle]:
    """Yield the times when each worker was idle and not held; the history ends at `end`."""
    for life in lives:
        stop = min(end, life.end.earliest if life.end else end)
        held = _held_spans(life, end)
        for since, until in _without_item(life, stop):
            request = life.requests.first(since, until + _SKEW)
            if request is None:
                continue
            start, finish = min(request.ref.at, until), until
            latest = life.requests.last(since, until) or request
            if latest.room == 0:
                finish = min(finish, latest.ref.at)
            closed = {connection.number: connection.closed for connection in life.connections}.get(
                latest.connection
            )
            if closed:
                finish = min(finish, closed.at)
            # A worker that gets an item immediately was idle too, if only for a moment.
            for span in without(held, (min(start, finish), finish)):
                yield Idle(life.worker, request.ref, *span)


def _without_item(life: WorkerLifetime, stop: float) -> Iterator[_Span]:
    """Yield the times in which the worker had no item."""
    free = 0.0
    for attempt in life.attempts:
        if attempt.delivered.at > free:
            yield free, min(attempt.delivered.at, stop)
        free = max(free, attempt.ended.at if attempt.ended else stop)
    if free < stop:
        yield free, stop


def _held_spans(life: WorkerLifetime, end: float) -> list[_Span]:
    spans = [
        (hold.held.at, hold.released.at if hold.released else end)
        for connection in life.connections
        for hold in connection.holds
    ]
    return sorted(spans)


def without(taken: Iterable[_Span], span: _Span) -> Iterator[_Span]:
    """Yield the parts of a span that remain without the `taken` spans.

    `taken` must be sorted by start.
    """
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
