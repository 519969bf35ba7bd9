"""S8: nobody takes an item over while its holder is there and has time left."""

from __future__ import annotations

from collections.abc import Iterator

from harness.invariants import Invariant, ids
from harness.verdict import Finding, failed, passed, unknown
from harness.view import FREE, Attempt, View, claim, several, shown


def check(view: View) -> Iterator[Finding]:
    good = seen = 0
    for attempt in view.attempts:
        if attempt.how != "reclaimed" or attempt.ended is None:
            continue
        seen += 1
        what = claim(view, attempt, attempt.ended)
        if what in FREE:
            good += 1
        elif what == "unclear":
            yield unknown(
                f"{shown(attempt.item)} was taken over, and nobody saw a lease on it",
                *ids(attempt.delivered, attempt.ended),
            )
        else:
            yield failed(_early(view, attempt), *ids(attempt.delivered, attempt.ended))
    if good:
        yield passed(f"{several(good, 'item')} taken over when the lease or its holder was gone")
    elif not seen:
        yield unknown("nobody has taken an item over")


def _early(view: View, attempt: Attempt) -> str:
    name, who = shown(attempt.item), view.cast.short(attempt.worker)
    if attempt.until is None or attempt.ended is None:
        return f"{name} was taken over before {who}, which had it, had come to take a lease"
    left = attempt.until - attempt.ended.at
    return f"{name} was taken over when the lease of {who} had another {left:.1f} s"


INVARIANT = Invariant(
    "S8", "no early reclaim", ("fine",), check, from_events=True, level="extended"
)
