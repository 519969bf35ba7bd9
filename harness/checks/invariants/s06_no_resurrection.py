"""S6: what was settled is not given to anybody again."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, Item, RunModel, Settlement, before
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    good, found = 0, False
    for item in view.sent:
        risen = [one for one in item.attempts if _settled_before(item, one) is not None]
        found = found or bool(risen)
        good += bool(item.settled) and not risen
        for attempt in risen:
            yield _told(view, item, attempt)
    if good:
        yield passed(f"{several(good, 'item')} settled, and not delivered again")
    elif not found:
        yield unknown("nobody has settled an item")


def _settled_before(item: Item, attempt: Attempt) -> Settlement | None:
    """The last settlement before a delivery for which nothing was left."""
    now = attempt.delivered
    done = [one for one in item.settled if before(EventRef(one.ref.id, one.effect), now)]
    return done[-1] if done and len(done) >= item.put_before(now) else None


def _told(view: RunModel, item: Item, attempt: Attempt) -> Finding:
    settled = _settled_before(item, attempt)
    who, evidence = view.names.short(attempt.worker), evidence_ids(settled, attempt.delivered)
    if any("broker" in harm.fault for harm in view.fault_log.injected):
        return unknown(
            f"{shown(item.payload)} was settled and came again: the broker may have lost that",
            *evidence,
        )
    return failed(f"{who} was given {shown(item.payload)}, which was settled by then", *evidence)


INVARIANT = Invariant(
    "S6",
    "no resurrection",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
