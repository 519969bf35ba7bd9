"""S6: what was settled is not given to anybody again."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant, ids
from harness.checks.model import Attempt, Item, Mark, Settlement, View, before
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: View) -> Iterator[Finding]:
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
    done = [one for one in item.settled if before(Mark(one.mark.id, one.effect), now)]
    return done[-1] if done and len(done) >= item.put_before(now) else None


def _told(view: View, item: Item, attempt: Attempt) -> Finding:
    settled = _settled_before(item, attempt)
    who, evidence = view.cast.short(attempt.worker), ids(settled, attempt.delivered)
    if any("broker" in harm.fault for harm in view.course.injected):
        return unknown(
            f"{shown(item.payload)} was settled and came again: the broker may have lost that",
            *evidence,
        )
    return failed(f"{who} was given {shown(item.payload)}, which was settled by then", *evidence)


INVARIANT = Invariant(
    "S6", "no resurrection", ("coarse", "fine"), check, from_events=True, level="extended"
)
