"""L8: if a worker is lost after others left, or could have left, its item is still done."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    reported = False
    for life in view.workers.values():
        if life.end is None or life.success or not life.attempts:
            continue
        finding = _lost(view, life, life.end, life.attempts[-1])
        if finding is not None:
            reported = True
            yield finding
    if not reported:
        yield unknown("no worker was lost after another had left, or could have")


def _lost(
    view: RunModel, life: WorkerLifetime, end: WorkerExit, attempt: Attempt
) -> Finding | None:
    leaver = _left_before(view, life, attempt)
    who, name = view.names.short(life.worker), shown(attempt.item)
    undone, complete = view.items[attempt.item].unsettled, view.job.complete
    if leaver is not None and undone and complete is not None:
        return failed(
            f"{view.names.short(leaver.worker)} had left with success, {who} was lost with {name}, "
            "and the Job is Complete without it",
            *evidence_ids(attempt.delivered, leaver.end, end, complete),
        )
    if undone:
        return unknown(
            f"{who} was lost with {name}, and the Job is not Complete",
            *evidence_ids(attempt.delivered, end),
        )
    if leaver is not None:
        return passed(
            f"{who} was lost after {view.names.short(leaver.worker)} had left; {name} is done",
            *evidence_ids(attempt.delivered, leaver.end, end),
        )
    if _others_waited(view, life, attempt, end):
        return passed(
            f"{who} was lost with {name} while others found nothing to do: they stayed, and it "
            "is done",
            *evidence_ids(attempt.delivered, end),
        )
    return None


def _left_before(view: RunModel, lost: WorkerLifetime, attempt: Attempt) -> WorkerLifetime | None:
    """Return a worker that exited with success before `lost` was lost; None if there is none."""
    leavers = (life for life in view.workers.values() if life.success)
    return next((life for life in leavers if _has_left(life, lost, attempt)), None)


def _has_left(life: WorkerLifetime, lost: WorkerLifetime, attempt: Attempt) -> bool:
    """Return whether a worker that exited with success had left before another was lost.

    The kubelet reports an exit late, and in whole seconds. A worker that has closed all its
    connections for good can do nothing more for an item, if the other already had it by then.
    """
    gone = lost.cut_off or (lost.end.ref if lost.end else None)
    if life.end is not None and gone is not None and life.end.ref.id < gone.id:
        return True
    closed = life.disconnected
    # The end of a pod that was deleted is seen late: what counts is when the harness cut it off.
    lost_at = lost.cut_off.at if lost.cut_off else lost.gone_from
    return (
        closed is not None
        and lost_at is not None
        and attempt.delivered.at < closed.at < lost_at
        and not any(connection.cut for connection in life.connections)
    )


def _others_waited(view: RunModel, life: WorkerLifetime, attempt: Attempt, end: WorkerExit) -> bool:
    # Its connections may have closed long before: some workers connect for each command.
    alive_until = max(end.earliest, life.run.finished or end.earliest)
    if life.cut_off is not None:  # idle time after the cut-off is a result of it
        alive_until = life.cut_off.at
    return any(
        span.worker != life.worker
        and span.until > attempt.delivered.at
        and span.since < alive_until
        for span in view.idle.spans
    )


INVARIANT = Invariant("L8", "late loss", ("fine",), check, level="extended")
