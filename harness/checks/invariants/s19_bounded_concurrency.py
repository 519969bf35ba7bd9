"""S19: a worker works on no more items at once than its owner says."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, RunModel, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown

#: Seconds by which the work on two items must overlap: the first "done" may come a bit late.
_CLEARLY = 0.25


def check(view: RunModel) -> Iterator[Finding]:
    bound, good = view.header.concurrency, 0
    if view.enqueued <= bound:
        yield unknown(f"there were no more than {several(bound, 'item')} for anybody")
        return
    for life in view.workers.values():
        who, together = view.names.short(life.worker), _together(view, life)
        if len(together) > bound:
            yield failed(
                f"{who} was at work on {len(together)} items at once: "
                f"{', '.join(shown(one.item) for one in together)}",
                *evidence_ids(
                    *(one.started for one in together), *(_end(view, one) for one in together)
                ),
            )
        elif (many := _too_many(life, bound)) and not _told(view, life):
            yield unknown(
                f"{who} had more than {several(bound, 'item')} in hand at once, and does not say "
                "from when until when it works on each",
                *evidence_ids(*(one.delivered for one in many)),
            )
        else:
            good += bool(life.attempts)
    if good:
        yield passed(f"{several(good, 'worker')} worked on {several(bound, 'item')} at most")


def _together(view: RunModel, life: WorkerLifetime) -> list[Attempt]:
    """The most that were surely being worked on at one moment: begun, and over only later."""
    begun = [
        (one.started.at, number, one) for number, one in enumerate(life.attempts) if one.started
    ]
    #: Those at work, the first to be over on top.
    now: list[tuple[float, int, Attempt]] = []
    most: list[Attempt] = []
    for start, number, one in sorted(begun):
        while now and now[0][0] - start <= _CLEARLY:
            heappop(now)
        if len(now) >= len(most):
            most = [*(each for _, _, each in sorted(now, key=lambda each: each[1])), one]
        if (end := _end(view, one)) is not None:
            heappush(now, (end.at, number, one))
    return most


def _end(view: RunModel, attempt: Attempt) -> EventRef | None:
    """What shows that the work on it was over; None where nothing does."""
    ends = [] if attempt.done is None else [attempt.done]
    if attempt.settled and view.header.figures.settles_after_work:
        ends.append(attempt.settled.ref)
    return min(ends, key=lambda one: one.at, default=None)


def _too_many(life: WorkerLifetime, bound: int) -> list[Attempt]:
    """The first that it had in hand at once and that were more than these, as the wire shows it."""
    now: list[Attempt] = []
    for one in life.attempts:
        now = [*(each for each in now if _in_hand(each, one.delivered.at)), one]
        if len(now) > bound:
            return now
    return []


def _in_hand(attempt: Attempt, moment: float) -> bool:
    """Whether it may still be worked on; of what was taken for good the wire shows no end."""
    at_once = attempt.settled is not None and attempt.settled.at_once
    return at_once or attempt.ended is None or attempt.ended.at > moment


def _told(view: RunModel, life: WorkerLifetime) -> bool:
    """Whether the worker says when it begins, and it is known of each of these when it ended."""
    begun = [one for one in life.attempts if one.started]
    return bool(begun) and all(_end(view, one) for one in begun)


INVARIANT = Invariant(
    "S19",
    "bounded concurrency",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
