"""By when a Job had to make progress: for its judge, and for who waits for its end."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.checks.model.items import Attempt, Item
from harness.checks.model.run_model import RunModel

#: Whoever renews its lease is believed to be at work for so many times the longest known work,
#: and for so many seconds at least.
_TIMES, _AT_LEAST = 5, 120.0
#: Seconds by which a lease must last longer than at first to have been renewed.
_RENEWED = 0.5
#: A lease so many times as long as what is waited for is a defect, whatever else there is.
TOO_LONG = 5
#: Seconds that any pod may take to start, and for which a longer start is excused at most.
_START, _PENDING = 10.0, 120.0


class ProgressDeadline(msgspec.Struct, frozen=True):
    """Nothing brought the Job nearer to its end in a time, and by then something had to."""

    since: float
    until: float
    by: float
    #: Its worker still renews its lease, and may be at work.
    working: Attempt | None = None
    #: Its worker is gone, and its lease goes on for longer than is waited for.
    kept: Attempt | None = None
    #: Seconds for which a pod had not started, and that are not counted.
    pending: float = 0.0


def progress_deadline(view: RunModel, calm: float, until: float) -> ProgressDeadline:
    """For a Job that has not ended before `until`, or ended then; all was well from `calm` on.

    Progress is what brings the end nearer: an item's first delivery, and its settlement.
    """
    marks = sorted({calm, *(one for one in _progress(view) if calm < one < until)})
    if view.header.failing_item is not None:  # the pauses between its attempts grow
        marks = marks[-1:]
    for since, following in zip(marks, [*marks[1:], until], strict=True):
        found = _due(view, since, following)
        if following > found.by:
            break
    return found


def _due(view: RunModel, since: float, until: float) -> ProgressDeadline:
    """The same for a stretch of time without progress."""
    pending = min(_PENDING, _pending(view, since, until))
    by = since + view.header.bounds.end + pending
    most, pickup = by + patience(view), _pickup(view)
    working = kept = None
    for attempt in _had(view, since, until):
        ends, lost = attempt.until, gone(view, attempt)
        if ends is None or (lost is None and not renewed(attempt)):
            continue
        holds = attempt.ended is None or attempt.ended.at >= until
        if lost is None and holds and ends >= min(until, view.watched):
            working = attempt
            enough = until if attempt.ended else attempt.delivered.at + patience(view)
            by = max(by, min(enough, most))
        elif holds and too_long(view, attempt):
            kept = attempt
        elif attempt.delivered.at <= since:  # what is given and lost again and again has no end
            by = max(by, ends + pickup)
    return ProgressDeadline(since, until, by, working, kept, pending)


def _pickup(view: RunModel) -> float:
    """Seconds from the end of a lease until its item is another's, with time for all the rest.

    Whoever is to take it may have other work first, and L1 counts idle time only.
    """
    bounds = view.header.bounds
    if bounds.pickup is None:
        return 0.0
    rest = 0.0 if bounds.reclaim is None else bounds.end - bounds.reclaim
    return bounds.pickup + max(rest, bounds.progress)


def too_long(view: RunModel, attempt: Attempt) -> bool:
    """Whether a lost worker's lease goes on for longer than anybody waits for it."""
    lost = gone(view, attempt)
    if lost is None or attempt.until is None:
        return False
    return not waited_for(view, attempt.until - lost)


def far_too_long(view: RunModel, attempt: Attempt) -> bool:
    """Whether it goes on for so long that this is a defect, whatever else takes items back."""
    lost, longest = gone(view, attempt), view.header.bounds.lease
    if lost is None or attempt.until is None or longest is None:
        return False
    return attempt.until - lost > TOO_LONG * longest


def long_lease(view: RunModel, attempt: Attempt) -> str:
    """Words for a lease that is too long: its length, beside the work that it is for."""
    lasts, known = (attempt.until or 0.0) - attempt.delivered.at, view.header.figures.most_work
    times = f", {lasts / known:.0f} times the longest work on an item" if known else ""
    return (
        f"its worker is gone, and its lease lasts {lasts:.0f} s{times}; "
        f"{view.header.bounds.lease:.0f} s are waited for. "
        "Give the worker a lease that fits its work"
    )


def waited_for(view: RunModel, lease: float) -> bool:
    """Whether so many seconds of a lease are worth to be waited for."""
    longest = view.header.bounds.lease
    return longest is None or lease <= longest


def renewed(attempt: Attempt) -> bool:
    """Whether its worker has made its lease longer than it was at first."""
    if attempt.until is None or attempt.lease is None:
        return False
    return attempt.until > attempt.delivered.at + attempt.lease + _RENEWED


def patience(view: RunModel) -> float:
    """Seconds from a delivery for which whoever renews its lease is believed to be at work."""
    return max(_TIMES * (view.header.figures.most_work or 0.0), _AT_LEAST)


def gone(view: RunModel, attempt: Attempt) -> float | None:
    """When its worker was there no more; None while it is."""
    life = view.life(attempt.worker)
    if life is None:
        return None
    if life.end is not None:
        return life.end.earliest
    return life.deaf.at if life.deaf else None


def first_deliveries(item: Item) -> tuple[Attempt, ...]:
    """Of equal items as many deliveries as there are items; those that come later are again."""
    return item.attempts[: len(item.enqueued)]


def _progress(view: RunModel) -> Iterator[float]:
    failing = view.header.failing_item
    for item in view.sent:
        yield from (one.effect for one in item.settled)
        some = item.attempts if item.payload == failing else first_deliveries(item)
        for attempt in some:
            yield attempt.delivered.at
            if item.payload == failing and attempt.ended is not None:
                yield attempt.ended.at


def _had(view: RunModel, since: float, until: float) -> Iterator[Attempt]:
    """The attempts during a time on what was not settled yet."""
    for attempt in view.attempts:
        over = attempt.ended.at if attempt.ended else until
        if attempt.delivered.at < until and over > since:
            yield attempt


def _pending(view: RunModel, since: float, until: float) -> float:
    """Seconds in which a pod had not started long after it could have."""
    running: dict[str, float] = {}
    for life in view.workers.values():
        begun = life.run.running or life.run.ended
        if begun is not None:
            uid = life.worker.pod
            running[uid] = min(running.get(uid, begun.at), begun.at)
    spans = []
    for pod in view.pods.values():
        over = running.get(pod.uid, pod.deleted.at if pod.deleted else until)
        if over - pod.added.at > _START:
            spans.append((max(since, pod.added.at), min(until, over)))
    total, last = 0.0, since
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, last))
        last = max(last, end)
    return total
