"""S7: an item is delivered again only for a reason."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, ClaimStatus, Item, RunModel, before, claim_status
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history import Worker
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    good = again = 0
    failing = False
    for item in view.sent:
        attempts = _deliveries(item)
        findings = list(_unexplained(view, item, attempts))
        yield from findings
        failing = failing or bool(findings)
        if attempts and not findings:
            good += 1
            again += max(0, len(attempts) - len(item.enqueued))
    if good:
        yield passed(
            f"{several(good, 'item')} delivered: {several(again, 'time')} once more, with a reason"
        )
    elif not failing:
        yield unknown("nobody was given an item that was enqueued")


def _deliveries(item: Item) -> list[Attempt]:
    """Return the deliveries after the item was enqueued; earlier ones are of something else."""
    return [attempt for attempt in item.attempts if item.put_before(attempt.delivered)]


def _unexplained(view: RunModel, item: Item, attempts: list[Attempt]) -> Iterator[Finding]:
    """Check each delivery for which the earlier deliveries leave no copy."""
    others: dict[tuple[Worker | int, str | int], Attempt] = {}
    for attempt in attempts:
        key = attempt.worker or attempt.connection, attempt.token or attempt.delivered.id
        previous = others.get(key)
        # A delivery that is requested again because its answer was lost is not a second one.
        if previous is not None and claim_status(view, previous, attempt.delivered) != "settled":
            del others[key]
        copies = item.put_before(attempt.delivered)
        if len(others) >= copies:
            yield from _duplicate(view, attempt, list(others.values()), copies)
        others[key] = attempt


def _duplicate(
    view: RunModel, attempt: Attempt, others: list[Attempt], copies: int
) -> Iterator[Finding]:
    """Judge a delivery by the claims of the workers that received the item before."""
    claims = [(other, claim_status(view, other, attempt.delivered)) for other in others]
    valid = [(other, status) for other, status in claims if status in ("settled", "kept")]
    unclear = [other for other, status in claims if status == "unclear"]
    if len(valid) >= copies:
        yield _finding(view, attempt, *valid[-1])
    elif len(valid) + len(unclear) >= copies:
        who, holder = view.names.short(attempt.worker), view.names.short(unclear[-1].worker)
        yield unknown(
            f"{who} was given {shown(attempt.item)}, which {holder} had, and nobody can say "
            "whether it still did",
            *evidence_ids(unclear[-1].delivered, attempt.delivered),
        )


def _finding(view: RunModel, attempt: Attempt, other: Attempt, what: ClaimStatus) -> Finding:
    who, holder = view.names.short(attempt.worker), view.names.short(other.worker)
    settled = other.settled if what == "settled" else None
    claim = "had settled it" if settled else "had it, and was there"
    text = f"{who} was given {shown(attempt.item)} although {holder} {claim}"
    evidence = evidence_ids(other.delivered, settled, attempt.delivered)
    if any(before(fault, attempt.delivered) for fault in view.fault_log.broker_faults):
        return unknown(f"{text}: the broker may have lost that", *evidence)
    return failed(text, *evidence)


INVARIANT = Invariant(
    "S7",
    "justified duplicates",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
