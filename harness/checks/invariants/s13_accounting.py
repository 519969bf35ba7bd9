"""S13: in the coarse pattern, each success accounts for exactly one message."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Outcome, failed, passed, unknown
from harness.core.text import several


def check(view: RunModel) -> Iterator[Finding]:
    succeeded = [life for life in view.workers.values() if life.success]
    if not succeeded:
        yield unknown("no worker has succeeded")
        return
    unowned = [attempt for attempt in view.attempts if attempt.worker is None and attempt.settled]
    if unowned:
        yield unknown(
            f"nobody knows who settled {several(len(unowned), 'message')}", unowned[0].delivered.id
        )
    exact = [life for life in succeeded if len(life.settled) == 1]
    for life in list(exact):
        flaw = view.missing_evidence.get(life.settled[0].ref.id)
        if flaw is None:
            continue
        exact.remove(life)
        reason = (
            f"the success of {view.names.short(life.worker)} may stand for nothing: {flaw.reason}"
        )
        evidence = (*flaw.evidence, *evidence_ids(life.end))
        if flaw.outcome is Outcome.FAIL:
            yield failed(reason, *evidence)
        else:
            yield unknown(reason, *evidence, suspect=flaw.suspect)
    for life in succeeded:
        count = len(life.settled)
        if count > 1 or (count == 0 and not unowned):
            yield failed(
                f"the success of {view.names.short(life.worker)} stands for "
                f"{several(count, 'message')}",
                *evidence_ids(*(settlement.ref for settlement in life.settled), life.end),
            )
    if exact:
        yield passed(f"{several(len(exact), 'worker')} succeeded, with one message each")


INVARIANT = Invariant("S13", "accounting", ("coarse",), check)
