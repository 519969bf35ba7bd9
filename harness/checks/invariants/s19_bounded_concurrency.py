"""S19: a worker works on no more items at once than its owner declares."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, RunModel, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown

#: Seconds by which the work on two items must overlap; the first "done" line may be late.
_OVERLAP = 0.25


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
                f"{', '.join(shown(attempt.item) for attempt in together)}",
                *evidence_ids(
                    *(attempt.started for attempt in together),
                    *(_end(view, attempt) for attempt in together),
                ),
            )
        elif (excess := _too_many(life, bound)) and not _logs_work(view, life):
            yield unknown(
                f"{who} had more than {several(bound, 'item')} in hand at once, and does not say "
                "from when until when it works on each",
                *evidence_ids(*(attempt.delivered for attempt in excess)),
            )
        else:
            good += bool(life.attempts)
    if good:
        yield passed(f"{several(good, 'worker')} worked on {several(bound, 'item')} at most")


def _together(view: RunModel, life: WorkerLifetime) -> list[Attempt]:
    """Return the largest set of attempts that were certainly in work at one moment."""
    begun = [
        (attempt.started.at, number, attempt)
        for number, attempt in enumerate(life.attempts)
        if attempt.started
    ]
    #: The attempts in work as a heap, the first to end on top.
    in_work: list[tuple[float, int, Attempt]] = []
    largest: list[Attempt] = []
    for start, number, attempt in sorted(begun):
        while in_work and in_work[0][0] - start <= _OVERLAP:
            heappop(in_work)
        if len(in_work) >= len(largest):
            largest = [*(other for _, _, other in sorted(in_work, key=lambda row: row[1])), attempt]
        if (end := _end(view, attempt)) is not None:
            heappush(in_work, (end.at, number, attempt))
    return largest


def _end(view: RunModel, attempt: Attempt) -> EventRef | None:
    """Return the event that shows the end of the work on it; None if no event does."""
    ends = [] if attempt.done is None else [attempt.done]
    if attempt.settled and view.header.figures.settles_after_work:
        ends.append(attempt.settled.ref)
    return min(ends, key=lambda event: event.at, default=None)


def _too_many(life: WorkerLifetime, bound: int) -> list[Attempt]:
    """Return the first attempts, more than `bound`, that the worker held at once on the wire."""
    held: list[Attempt] = []
    for attempt in life.attempts:
        held = [*(other for other in held if _in_hand(other, attempt.delivered.at)), attempt]
        if len(held) > bound:
            return held
    return []


def _in_hand(attempt: Attempt, moment: float) -> bool:
    """Return whether the worker may still work on it; a settle on delivery shows no end."""
    at_once = attempt.settled is not None and attempt.settled.at_once
    return at_once or attempt.ended is None or attempt.ended.at > moment


def _logs_work(view: RunModel, life: WorkerLifetime) -> bool:
    """Return whether the worker logs beginnings and the end of each of them is known."""
    begun = [attempt for attempt in life.attempts if attempt.started]
    return bool(begun) and all(_end(view, attempt) for attempt in begun)


INVARIANT = Invariant(
    "S19",
    "bounded concurrency",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
