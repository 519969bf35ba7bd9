"""S1: the broker forgets an item only after a worker completed the work on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.checks.invariant import Invariant, failed_by_exit
from harness.checks.model import Item, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Subject, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    good, settled = 0, []
    for item in view.sent:
        for settlement in item.settled:
            finding = view.missing_evidence.get(settlement.ref.id)
            if finding is None:
                good += 1
                settled.append(settlement.ref)
            else:
                yield finding
        yield from _never_settled(view, item)
    if good:
        yield passed(
            f"{several(good, 'item')} settled after the work on it", *evidence_ids(*settled[:1])
        )


def _never_settled(view: RunModel, item: Item) -> Iterable[Finding]:
    if not item.unsettled:
        return
    if view.job.complete is not None:
        delivery = item.attempts[-1].delivered if item.attempts else None
        leftover = item.left[-1].ref if item.left else None
        yield failed_by_exit(
            view,
            f"the Job is Complete, and nobody has settled {shown(item.payload)}",
            *evidence_ids(item.enqueued[-1], delivery, view.job.complete, leftover),
            subject=Subject.JOB if view.too_few_completions else Subject.WORKER,
        )
    elif view.depths and not item.left:
        yield unknown(
            f"{shown(item.payload)} is gone from the broker, and nobody was seen to settle it",
            *evidence_ids(item.enqueued[-1], view.depths[-1].ref),
        )


INVARIANT = Invariant("S1", "no loss", ("coarse", "fine"), check)
