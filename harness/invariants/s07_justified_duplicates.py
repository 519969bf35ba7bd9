"""S7: nobody is given an item once more without a reason."""

from __future__ import annotations

from collections.abc import Iterator

from harness.invariants import Invariant, ids
from harness.verdict import Finding, failed, passed, unknown
from harness.view import FREE, Attempt, Claim, Item, View, claim, several, shown


def check(view: View) -> Iterator[Finding]:
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
    first = min(one.at for one in item.enqueued)
    return [one for one in item.attempts if one.delivered.at >= first]


def _unexplained(view: View, item: Item, attempts: list[Attempt]) -> Iterator[Finding]:
    """Each delivery for which those before it leave no room."""
    for index, attempt in enumerate(attempts):
        at = attempt.delivered.at
        copies = sum(one.at <= at for one in item.enqueued)
        before = attempts[:index]
        if index < copies:
            continue
        claims = [(one, _claim(view, one, attempt)) for one in before]
        kept = [(one, what) for one, what in claims if what not in FREE]
        if len(kept) < copies:
            continue
        sure = [(one, what) for one, what in kept if what != "unclear"]
        yield _told(view, attempt, *(sure or kept)[-1], sure=len(sure) >= copies)


def _claim(view: View, before: Attempt, later: Attempt) -> Claim:
    """The same delivery, asked for once more because its answer was lost, is no second one."""
    same = before.token and (before.token, before.worker) == (later.token, later.worker)
    return "lost" if same else claim(view, before, later.delivered)


def _told(view: View, attempt: Attempt, other: Attempt, what: Claim, *, sure: bool) -> Finding:
    name = shown(attempt.item)
    who, holder = view.cast.short(attempt.worker), view.cast.short(other.worker)
    settled = other.settled if what == "settled" else None
    evidence = ids(other.delivered, settled, attempt.delivered)
    if not sure:
        return unknown(
            f"{who} was given {name}, which {holder} had, and nobody saw a lease on it", *evidence
        )
    why = "had settled it" if what == "settled" else "had it, and was there"
    return failed(f"{who} was given {name} although {holder} {why}", *evidence)


INVARIANT = Invariant(
    "S7", "justified duplicates", ("coarse", "fine"), check, from_events=True, level="extended"
)
