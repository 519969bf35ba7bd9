"""S4: only one worker holds a lease on an item, and it settles the item within the lease."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import SLACK, Attempt, Item, RunModel, claim_status
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    good = 0
    for item in view.sent:
        for index, attempt in enumerate(item.attempts):
            if attempt.until is None:
                continue
            findings = [*_overlapping(view, item, index), *_outside(view, attempt)]
            good += not findings
            yield from findings
    if good:
        yield passed(f"{several(good, 'lease')}, each the only one, and settled within")
    elif not any(other.until is not None for other in view.attempts):
        yield unknown("no lease was seen")


def _overlapping(view: RunModel, item: Item, index: int) -> Iterator[Finding]:
    """Report a lease that began while other workers held leases on all copies of the item."""
    attempt = item.attempts[index]
    at = attempt.delivered.at
    copies = item.put_before(attempt.delivered)
    # A claim that the broker answered twice, because its first answer was lost, counts once.
    others = {
        (other.worker, other.token or other.delivered.id): other for other in item.attempts[:index]
    }
    live = [
        other
        for other in others.values()
        if other.until is not None
        and claim_status(view, other, attempt.delivered) == "kept"
        and (other.worker, other.token) != (attempt.worker, attempt.token)
    ]
    if not live or len(live) < copies:
        return
    other = live[-1]
    assert other.until is not None
    yield failed(
        f"{view.names.short(attempt.worker)} got a lease on {shown(attempt.item)}, on which "
        f"{view.names.short(other.worker)} had one for another {other.until - at:.1f} s",
        *evidence_ids(other.delivered, attempt.delivered),
    )


def _outside(view: RunModel, attempt: Attempt) -> Iterator[Finding]:
    """Report a settlement that took effect after the lease had expired."""
    settled, until = attempt.settled, attempt.until
    if settled is None or settled.at_once or settled.how != "acked" or until is None:
        return
    late = settled.effect - until
    if late > SLACK:
        yield failed(
            f"{view.names.short(attempt.worker)} settled {shown(attempt.item)} {late:.1f} s after "
            "its lease was over",
            *evidence_ids(attempt.delivered, settled),
        )


INVARIANT = Invariant(
    "S4", "lease exclusivity", ("fine",), check, valid_in_partial_history=True, level="extended"
)
