"""L8: who is lost when others have left, or could have: its item is done all the same."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    found = False
    for life in view.workers.values():
        if life.end is None or life.success or not life.attempts:
            continue
        finding = _lost(view, life, life.end, life.attempts[-1])
        if finding is not None:
            found = True
            yield finding
    if not found:
        yield unknown("no worker was lost after another had left, or could have")


def _lost(
    view: RunModel, life: WorkerLifetime, end: WorkerExit, attempt: Attempt
) -> Finding | None:
    left = _left_before(view, life.cut_off or end.ref)
    who, name = view.names.short(life.worker), shown(attempt.item)
    undone, complete = view.items[attempt.item].unsettled, view.job.complete
    if left is not None and undone and complete is not None:
        return failed(
            f"{view.names.short(left.worker)} had left with success, {who} was lost with {name}, "
            "and the Job is Complete without it",
            *evidence_ids(attempt.delivered, left.end, end, complete),
        )
    if undone:
        return unknown(
            f"{who} was lost with {name}, and the Job is not Complete",
            *evidence_ids(attempt.delivered, end),
        )
    if left is not None:
        return passed(
            f"{who} was lost after {view.names.short(left.worker)} had left; {name} is done",
            *evidence_ids(attempt.delivered, left.end, end),
        )
    if _others_waited(view, life, attempt, end):
        return passed(
            f"{who} was lost with {name} while others found nothing to do: they stayed, and it "
            "is done",
            *evidence_ids(attempt.delivered, end),
        )
    return None


def _left_before(view: RunModel, gone: EventRef) -> WorkerLifetime | None:
    """A worker that left with success before another was lost."""
    leavers = (life for life in view.workers.values() if life.success)
    return next((life for life in leavers if _has_left(life, gone)), None)


def _has_left(life: WorkerLifetime, gone: EventRef) -> bool:
    """Whether a worker that exited with success had left by then.

    The kubelet reports an exit late, and to the second. A worker that has closed all its
    connections for good can do nothing more for an item.
    """
    if life.end is not None and life.end.ref.id < gone.id:
        return True
    closed = life.deaf
    return (
        closed is not None
        and closed.at < gone.at
        and not any(connection.cut for connection in life.connections)
    )


def _others_waited(view: RunModel, life: WorkerLifetime, attempt: Attempt, end: WorkerExit) -> bool:
    # It may have hung up long before: some connect for each command.
    lived = max(end.earliest, life.run.finished or end.earliest)
    if life.cut_off is not None:  # what others found once it was cut off came of that
        lived = life.cut_off.at
    return any(
        span.worker != life.worker and span.until > attempt.delivered.at and span.since < lived
        for span in view.idle.spans
    )


INVARIANT = Invariant("L8", "late loss", ("fine",), check, level="extended")
