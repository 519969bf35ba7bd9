"""S7: nobody is given an item once more without a reason."""

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
    found = False
    for item in view.sent:
        attempts = _of_it(item)
        findings = list(_unexplained(view, item, attempts))
        yield from findings
        found = found or bool(findings)
        if attempts and not findings:
            good += 1
            again += max(0, len(attempts) - len(item.enqueued))
    if good:
        yield passed(
            f"{several(good, 'item')} delivered: {several(again, 'time')} once more, with a reason"
        )
    elif not found:
        yield unknown("nobody was given an item that was enqueued")


def _of_it(item: Item) -> list[Attempt]:
    """Its deliveries; one from before it was enqueued is of something else, and no duplicate."""
    return [one for one in item.attempts if item.put_before(one.delivered)]


def _unexplained(view: RunModel, item: Item, attempts: list[Attempt]) -> Iterator[Finding]:
    """Each delivery for which those before it leave no room."""
    others: dict[tuple[Worker | int, str | int], Attempt] = {}
    for attempt in attempts:
        name = attempt.worker or attempt.connection, attempt.token or attempt.delivered.id
        same = others.get(name)
        # The same delivery, asked for once more because its answer was lost, is no second one.
        if same is not None and claim_status(view, same, attempt.delivered) != "settled":
            del others[name]
        copies = item.put_before(attempt.delivered)
        if len(others) >= copies:
            yield from _duplicate(view, attempt, list(others.values()), copies)
        others[name] = attempt


def _duplicate(
    view: RunModel, attempt: Attempt, others: list[Attempt], copies: int
) -> Iterator[Finding]:
    """What those who were given the item before say against its delivery."""
    claims = [(one, claim_status(view, one, attempt.delivered)) for one in others]
    sure = [(one, what) for one, what in claims if what in ("settled", "kept")]
    unclear = [one for one, what in claims if what == "unclear"]
    if len(sure) >= copies:
        yield _told(view, attempt, *sure[-1])
    elif len(sure) + len(unclear) >= copies:
        who, holder = view.names.short(attempt.worker), view.names.short(unclear[-1].worker)
        yield unknown(
            f"{who} was given {shown(attempt.item)}, which {holder} had, and nobody can say "
            "whether it still did",
            *evidence_ids(unclear[-1].delivered, attempt.delivered),
        )


def _told(view: RunModel, attempt: Attempt, other: Attempt, what: ClaimStatus) -> Finding:
    who, holder = view.names.short(attempt.worker), view.names.short(other.worker)
    settled = other.settled if what == "settled" else None
    why = "had settled it" if settled else "had it, and was there"
    text = f"{who} was given {shown(attempt.item)} although {holder} {why}"
    evidence = evidence_ids(other.delivered, settled, attempt.delivered)
    harmed = [one.ref for one in view.fault_log.injected if "broker" in one.fault]
    if any(before(one, attempt.delivered) for one in harmed):
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
