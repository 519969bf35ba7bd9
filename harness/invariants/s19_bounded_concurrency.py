"""S19: a worker works on no more items at once than its owner says."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from harness.invariants import Invariant, ids
from harness.verdict import Finding, failed, passed, unknown
from harness.view import Attempt, Life, Mark, View, several, shown

#: Seconds by which the work on two items must overlap: the first "done" may come a bit late.
_CLEARLY = 0.25


def check(view: View) -> Iterator[Finding]:
    bound, good = view.header.concurrency, 0
    if view.enqueued <= bound:
        yield unknown(f"there were no more than {several(bound, 'item')} for anybody")
        return
    for life in view.workers.values():
        who, together = view.cast.short(life.worker), _together(view, life)
        if len(together) > bound:
            yield failed(
                f"{who} was at work on {len(together)} items at once: "
                f"{', '.join(shown(one.item) for one in together)}",
                *ids(*(one.started for one in together), *(_end(view, one) for one in together)),
            )
        elif not _within(life, bound) and not _told(view, life):
            yield unknown(
                f"{who} had more than {several(bound, 'item')} in hand at once, and does not say "
                "from when until when it works on each",
                *ids(*(one.delivered for one in life.attempts[: bound + 1])),
            )
        else:
            good += bool(life.attempts)
    if good:
        yield passed(f"{several(good, 'worker')} worked on {several(bound, 'item')} at most")


def _together(view: View, life: Life) -> list[Attempt]:
    """The most that were surely being worked on at one moment: begun, and over only later."""
    begun = [
        (one.started.at, number, one) for number, one in enumerate(life.attempts) if one.started
    ]
    #: Those at work, the first to be over on top.
    now: list[tuple[float, int, Attempt]] = []
    most: list[Attempt] = []
    for start, number, one in sorted(begun, key=lambda each: each[:2]):
        while now and now[0][0] - start <= _CLEARLY:
            heappop(now)
        if len(now) >= len(most):
            most = [*(each for _, _, each in sorted(now, key=lambda each: each[1])), one]
        if (end := _end(view, one)) is not None:
            heappush(now, (end.at, number, one))
    return most


def _end(view: View, attempt: Attempt) -> Mark | None:
    """What shows that the work on it was over; None where nothing does."""
    ends = [] if attempt.done is None else [attempt.done]
    if attempt.settled and view.header.figures.settles_after_work:
        ends.append(attempt.settled.mark)
    return min(ends, key=lambda one: one.at, default=None)


def _within(life: Life, bound: int) -> bool:
    """Whether it never even had more in hand, as the wire shows it."""
    if any(one.settled and one.settled.at_once for one in life.attempts):
        return len(life.attempts) <= bound  # taken for good: the wire shows no end
    steps = [(one.delivered.at, 1) for one in life.attempts]
    steps += [(one.ended.at, -1) for one in life.attempts if one.ended]
    count = most = 0
    for _, step in sorted(steps):
        count += step
        most = max(most, count)
    return most <= bound


def _told(view: View, life: Life) -> bool:
    """Whether the worker says when it begins, and it is known of each of these when it ended."""
    begun = [one for one in life.attempts if one.started]
    return bool(begun) and all(_end(view, one) for one in begun)


INVARIANT = Invariant(
    "S19",
    "bounded concurrency",
    ("coarse", "fine"),
    check,
    from_events=True,
    level="extended",
)
