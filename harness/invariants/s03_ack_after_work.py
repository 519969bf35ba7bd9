"""S3: an item is settled after the work on it, not before."""

from __future__ import annotations

from collections.abc import Iterator

from harness.invariants import Invariant, ids
from harness.verdict import Finding, failed, passed, unknown
from harness.view import Attempt, Order, View, most, order, several, shown


def check(view: View) -> Iterator[Finding]:
    work = view.header.figures.work
    told: list[tuple[Attempt, Order]] = []
    for attempt in view.attempts:
        one = order(attempt, work)
        if one is not None:
            told.append((attempt, one))
    rule = most(one for _, one in told)
    if rule is None:
        yield unknown("nothing shows the end of the work on an item that was settled")
    elif rule == "after":
        yield passed(f"{several(len(told), 'item')} settled after the worker had said it was done")
    elif rule == "early":
        early = next(attempt for attempt, one in told if one == "early")
        yield failed(_early(view, early, told), *_evidence(early))
    else:
        odd = next(attempt for attempt, one in told if one != "after")
        count = sum(one != "after" for _, one in told)
        yield unknown(
            f"{count} of {several(len(told), 'item')} may have been settled "
            "in the middle of the work",
            *_evidence(odd),
        )


def _early(view: View, attempt: Attempt, told: list[tuple[Attempt, Order]]) -> str:
    count = sum(one == "early" for _, one in told)
    who = view.cast.short(attempt.worker)
    return f"{who} settled {shown(attempt.item)} before the work on it, as {count} of {len(told)}"


def _evidence(attempt: Attempt) -> tuple[int, ...]:
    settled = attempt.settled
    held = settled.hold.held if settled and settled.hold else None
    return ids(attempt.delivered, held, settled, attempt.started, attempt.done)


INVARIANT = Invariant("S3", "ack after work", ("coarse", "fine"), check, from_events=True)
