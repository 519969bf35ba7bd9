"""Deadlines for a Job's progress: for its judge, and for code that waits for its end."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.checks.model.items import Attempt, Item
from harness.checks.model.run_model import RunModel

#: A worker that renews its lease counts as working for so many times the longest known work, and at
#: least so many seconds.
_PATIENCE_FACTOR, _MIN_PATIENCE = 5, 120.0
#: Seconds by which a lease must outlast its first end to count as renewed.
_RENEWED = 0.5
#: A lease so many times the longest awaited one is a defect, regardless of other mechanisms.
TOO_LONG = 5
#: Seconds that any pod may take to start, and the most that a longer start excuses.
_START, _PENDING = 10.0, 120.0


class ProgressDeadline(msgspec.Struct, frozen=True):
    """A time without progress towards the end of the Job, and the deadline in it.

    All times are in seconds: no progress from `since` to `until`; it was due `by` then.
    """

    since: float
    until: float
    by: float
    #: Its worker still renews its lease, and may be working.
    working: Attempt | None = None
    #: Its worker is gone, and its lease outlasts what the harness waits for.
    kept: Attempt | None = None
    #: Seconds in which a pod had not started; they do not count.
    pending: float = 0.0


def progress_deadline(view: RunModel, calm: float, until: float) -> ProgressDeadline:
    """Return the deadline for a Job that had not ended before `until`, or ended at it.

    All faults were healed from `calm` on. Progress brings the end nearer: an item's first delivery,
    and its settlement.
    """
    moments = sorted({calm, *(moment for moment in _progress_times(view) if calm < moment < until)})
    if view.header.failing_item is not None:  # the pauses between its attempts grow
        moments = moments[-1:]
    for since, following in zip(moments, [*moments[1:], until], strict=True):
        deadline = _deadline_for(view, since, following)
        if following > deadline.by:
            break
    return deadline


def _deadline_for(view: RunModel, since: float, until: float) -> ProgressDeadline:
    """Return the deadline for one stretch of time without progress."""
    pending = min(_PENDING, _pending_time(view, since, until))
    by = since + view.header.bounds.end + pending
    most, pickup = by + patience(view), _pickup_time(view)
    working = kept = None
    for attempt in _attempts_during(view, since, until):
        ends, gone_at = attempt.until, gone(view, attempt)
        if ends is None or (gone_at is None and not renewed(attempt)):
            continue
        holds = attempt.ended is None or attempt.ended.at >= until
        if gone_at is None and holds and ends >= min(until, view.watched):
            working = attempt
            limit = until if attempt.ended else attempt.delivered.at + patience(view)
            by = max(by, min(limit, most))
        elif holds and too_long(view, attempt):
            kept = attempt
        elif attempt.delivered.at <= since:  # repeated loss has no end
            by = max(by, ends + pickup)
    return ProgressDeadline(since, until, by, working, kept, pending)


def _pickup_time(view: RunModel) -> float:
    """Return the seconds from the end of a lease until another worker has its item.

    This includes time for all the rest: the next worker may have other work first, and L1 counts
    idle time only.
    """
    bounds = view.header.bounds
    if bounds.pickup is None:
        return 0.0
    rest = 0.0 if bounds.reclaim is None else bounds.end - bounds.reclaim
    return bounds.pickup + max(rest, bounds.progress)


def too_long(view: RunModel, attempt: Attempt) -> bool:
    """Return whether a lost worker's lease lasts longer than the harness waits for it."""
    gone_at = gone(view, attempt)
    if gone_at is None or attempt.until is None:
        return False
    return not waited_for(view, attempt.until - gone_at)


def far_too_long(view: RunModel, attempt: Attempt) -> bool:
    """Return whether a lost worker's lease is so long that this alone is a defect.

    Other ways to take items back are no excuse then.
    """
    gone_at, longest = gone(view, attempt), view.header.bounds.lease
    if gone_at is None or attempt.until is None or longest is None:
        return False
    return attempt.until - gone_at > TOO_LONG * longest


def long_lease(view: RunModel, attempt: Attempt) -> str:
    """Describe a lease that is too long: its length, compared with the work that it is for."""
    length, known = (attempt.until or 0.0) - attempt.delivered.at, view.header.figures.most_work
    times = f", {length / known:.0f} times the longest work on an item" if known else ""
    return (
        f"its worker is gone, and its lease lasts {length:.0f} s{times}; "
        f"{view.header.bounds.lease:.0f} s are waited for. "
        "Give the worker a lease that fits its work"
    )


def waited_for(view: RunModel, lease: float) -> bool:
    """Return whether the harness waits for so many seconds of a lease."""
    longest = view.header.bounds.lease
    return longest is None or lease <= longest


def renewed(attempt: Attempt) -> bool:
    """Return whether the worker extended its lease beyond the first end."""
    if attempt.until is None or attempt.lease is None:
        return False
    return attempt.until > attempt.delivered.at + attempt.lease + _RENEWED


def patience(view: RunModel) -> float:
    """Return for how long a worker that renews its lease counts as working.

    In seconds from the delivery.
    """
    return max(_PATIENCE_FACTOR * (view.header.figures.most_work or 0.0), _MIN_PATIENCE)


def gone(view: RunModel, attempt: Attempt) -> float | None:
    """Return when the worker of an attempt was gone; None while it is there."""
    life = view.life(attempt.worker)
    if life is None:
        return None
    if life.end is not None:
        return life.end.earliest
    return life.disconnected.at if life.disconnected else None


def first_deliveries(item: Item) -> tuple[Attempt, ...]:
    """Return as many deliveries as there are equal items; later ones are repetitions."""
    return item.attempts[: len(item.enqueued)]


def _progress_times(view: RunModel) -> Iterator[float]:
    failing = view.header.failing_item
    for item in view.sent:
        yield from (settlement.effect for settlement in item.settled)
        attempts = item.attempts if item.payload == failing else first_deliveries(item)
        for attempt in attempts:
            yield attempt.delivered.at
            if item.payload == failing and attempt.ended is not None:
                yield attempt.ended.at


def _attempts_during(view: RunModel, since: float, until: float) -> Iterator[Attempt]:
    """Yield the attempts during an interval on items not yet settled."""
    for attempt in view.attempts:
        end = attempt.ended.at if attempt.ended else until
        if attempt.delivered.at < until and end > since:
            yield attempt


def _pending_time(view: RunModel, since: float, until: float) -> float:
    """Return the seconds in which a pod had not started long after it could have."""
    running: dict[str, float] = {}
    for life in view.workers.values():
        start_ref = life.run.running or life.run.ended
        if start_ref is not None:
            uid = life.worker.pod
            running[uid] = min(running.get(uid, start_ref.at), start_ref.at)
    spans = []
    for pod in view.pods.values():
        started = running.get(pod.uid, pod.deleted.at if pod.deleted else until)
        if started - pod.added.at > _START:
            spans.append((max(since, pod.added.at), min(until, started)))
    total, last = 0.0, since
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, last))
        last = max(last, end)
    return total
