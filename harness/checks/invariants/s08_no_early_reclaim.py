"""S8: no worker takes an item over while its holder is alive and its lease is valid."""

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
            finding = _takeover(view, item, attempt, attempt.taken)
            if finding is None:
                good += 1
            else:
                yield finding
    if good:
        yield passed(f"{several(good, 'item')} taken over when the lease or its holder was gone")
    elif not seen:
        yield unknown("nobody has taken an item over")


def _takeover(view: RunModel, item: Item, attempt: Attempt, now: EventRef) -> Finding | None:
    """Judge a takeover of an item; None if the item was free for others."""
    status, evidence = claim_status(view, attempt, now), evidence_ids(attempt.delivered, now)
    if status in FREE:
        return None
    name, who = shown(attempt.item), view.names.short(attempt.worker)
    if status == "unclear":
        return unknown(f"{name} was taken over, and nobody saw a lease on it", *evidence)
    if len(item.enqueued) > 1 and _other_copy_free(view, item, now):
        why = f"{name} is there more than once: which one was taken over is not known"
        return unknown(why, *evidence)
    if attempt.until is None:
        why = f"{name} was taken over before {who}, which had it, had come to take a lease"
    else:
        remaining = attempt.until - now.at
        why = f"{name} was taken over when the lease of {who} had another {remaining:.1f} s"
    return failed(why, *evidence)


def _other_copy_free(view: RunModel, item: Item, now: EventRef) -> bool:
    """Return whether an open attempt on the item was free for others at that moment."""
    for attempt in item.attempts:
        end = attempt.taken or attempt.ended
        if claim_status(view, attempt, now) in FREE and (end is None or before(now, end)):
            return True
    return False


INVARIANT = Invariant(
    "S8", "no early reclaim", ("fine",), check, valid_in_partial_history=True, level="extended"
)
