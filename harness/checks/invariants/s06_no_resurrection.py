"""S6: an item that was settled is not delivered again."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, Item, RunModel, Settlement, before
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    good, failing = 0, False
    for item in view.sent:
        redelivered = [
            attempt for attempt in item.attempts if _settled_before(item, attempt) is not None
        ]
        failing = failing or bool(redelivered)
        good += bool(item.settled) and not redelivered
        for attempt in redelivered:
            yield _resurrected(view, item, attempt)
    if good:
        yield passed(f"{several(good, 'item')} settled, and not delivered again")
    elif not failing:
        yield unknown("nobody has settled an item")


def _settled_before(item: Item, attempt: Attempt) -> Settlement | None:
    """Return the last settlement before the delivery if every copy was settled by then."""
    delivery = attempt.delivered
    earlier = [
        settlement
        for settlement in item.settled
        if before(EventRef(settlement.ref.id, settlement.effect), delivery)
    ]
    return earlier[-1] if earlier and len(earlier) >= item.put_before(delivery) else None


def _resurrected(view: RunModel, item: Item, attempt: Attempt) -> Finding:
    settled = _settled_before(item, attempt)
    who, evidence = view.names.short(attempt.worker), evidence_ids(settled, attempt.delivered)
    if view.fault_log.broker_faults:
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
