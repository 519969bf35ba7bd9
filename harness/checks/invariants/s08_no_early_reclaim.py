"""S8: nobody takes an item over while its holder is there and has time left."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import FREE, Attempt, EventRef, Item, RunModel, before, claim_status
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    good, seen = 0, False
    for item in view.sent:
        for attempt in item.attempts:
            if attempt.taken is None:
                continue
            seen = True
            finding = _taken(view, item, attempt, attempt.taken)
            if finding is None:
                good += 1
            else:
                yield finding
    if good:
        yield passed(f"{several(good, 'item')} taken over when the lease or its holder was gone")
    elif not seen:
        yield unknown("nobody has taken an item over")


def _taken(view: RunModel, item: Item, attempt: Attempt, now: EventRef) -> Finding | None:
    """What is to be said of it that an item was taken over; None where others could have it."""
    what, evidence = claim_status(view, attempt, now), evidence_ids(attempt.delivered, now)
    if what in FREE:
        return None
    name, who = shown(attempt.item), view.names.short(attempt.worker)
    if what == "unclear":
        return unknown(f"{name} was taken over, and nobody saw a lease on it", *evidence)
    if len(item.enqueued) > 1 and _free(view, item, now):
        why = f"{name} is there more than once: which one was taken over is not known"
        return unknown(why, *evidence)
    if attempt.until is None:
        why = f"{name} was taken over before {who}, which had it, had come to take a lease"
    else:
        left = attempt.until - now.at
        why = f"{name} was taken over when the lease of {who} had another {left:.1f} s"
    return failed(why, *evidence)


def _free(view: RunModel, item: Item, now: EventRef) -> bool:
    """Whether somebody had one then that others could have."""
    for one in item.attempts:
        over = one.taken or one.ended
        if claim_status(view, one, now) in FREE and (over is None or before(now, over)):
            return True
    return False


INVARIANT = Invariant(
    "S8", "no early reclaim", ("fine",), check, valid_in_partial_history=True, level="extended"
)
