"""S12: when the Job is Complete, the broker is empty."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant, failed_by_exit
from harness.checks.model import Depth, LeftoverItem, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Subject, passed, unknown
from harness.core.text import several


def check(view: RunModel) -> Iterator[Finding]:
    complete = view.job.complete
    if complete is None:
        yield unknown("the Job was not Complete")
        return
    if not view.depths:
        yield unknown("nobody looked what the broker still holds", complete.id)
        return
    leftovers = [leftover for item in view.items.values() for leftover in item.left]
    alive = [leftover for leftover in leftovers if leftover.where != "dead"]
    held = sum(_held(depth, leftovers) for depth in view.depths)
    if not alive and not held:
        yield passed("the Job is Complete and the broker is empty", complete.id)
        return
    yield failed_by_exit(
        view,
        f"the Job is Complete, and the broker still holds {several(max(held, len(alive)), 'item')}",
        *evidence_ids(complete, *(leftover.ref for leftover in alive[:1]), view.depths[-1].ref),
        subject=Subject.JOB if view.too_few_completions else Subject.WORKER,
    )


def _held(depth: Depth, left: list[LeftoverItem]) -> int:
    """Return how many items this queue holds, without those that were set aside in it."""
    final_depth = depth.seen
    dead = sum(
        leftover.where == "dead" and leftover.queue == final_depth.queue for leftover in left
    )
    return max(0, final_depth.ready + (final_depth.leased or 0) + (final_depth.unacked or 0) - dead)


INVARIANT = Invariant(
    "S12", "sound completion", ("coarse", "fine"), check, valid_in_partial_history=True
)
