"""S5: a worker that lost an item to another worker can no longer settle it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, Item, RunModel, before
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    seen = False
    for item in view.sent:
        for attempt in item.attempts:
            finding = _late_report(view, item, attempt)
            if finding is not None:
                seen = True
                yield finding
    if not seen:
        yield unknown("nobody has reported an item as done that another had taken over")


def _late_report(view: RunModel, item: Item, attempt: Attempt) -> Finding | None:
    """Judge a report on an item that another worker had received by then; None otherwise."""
    who, name = view.names.short(attempt.worker), shown(attempt.item)
    settled = attempt.settled
    if settled is not None and settled.how == "acked" and not settled.at_once:
        other = _taken_over(item, attempt, EventRef(settled.ref.id, settled.effect))
        evidence = evidence_ids(attempt.delivered, other.delivered if other else None, settled)
        if other is None:
            return None
        if len(item.enqueued) > 1:
            return unknown(f"{name} is there more than once: which one {who} meant is not known")
        holder = view.names.short(other.worker)
        return failed(f"{who} settled {name}, which {holder} had been given by then", *evidence)
    for void in attempt.void:
        other = _taken_over(item, attempt, void)
        if other is not None:
            return passed(
                f"{who} reported {name} too late, and that took no effect",
                *evidence_ids(attempt.delivered, other.delivered, void),
            )
    return None


def _taken_over(item: Item, attempt: Attempt, moment: EventRef) -> Attempt | None:
    """Return the last delivery to another worker after `attempt` and before `moment`."""
    owner = attempt.worker, attempt.token
    for other in reversed(item.attempts):
        between = before(attempt.delivered, other.delivered) and before(other.delivered, moment)
        if between and (other.worker, other.token) != owner:
            return other
    return None


INVARIANT = Invariant(
    "S5", "fenced ack", ("fine",), check, valid_in_partial_history=True, level="extended"
)
