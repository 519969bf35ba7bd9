"""S16: if the broker loses its data, the Job is not Complete: the work is not done."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, BrokerDataLoss, EventRef, Item, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several

#: Seconds before the broker's end in which an attempt may seem to have ended on its own.
_JUST_BEFORE = 1.0


def check(view: RunModel) -> Iterator[Finding]:
    if not view.fault_log.losses:
        yield unknown("no broker has lost its data")
        return
    loss = view.fault_log.losses[0]
    if not view.coarse and not view.header.sentinel:
        reason = "an empty Redis is like a drained one to a worker for which the producer leaves"
        yield unknown(f"{reason} no marker: --sentinel KEY", loss.back.id)
        return
    undone = [item for item in view.sent if _undone(item, loss)]
    if not undone:
        yield unknown("nothing was left to do when the broker lost its data", loss.back.id)
        return
    complete = view.job.complete
    yield (
        _not_complete(view, loss, undone) if complete is None else _complete(loss, undone, complete)
    )


def _undone(item: Item, loss: BrokerDataLoss) -> bool:
    """Return whether a copy sent before the loss was neither settled nor finished."""
    sent = sum(event.at <= loss.back.at for event in item.enqueued)
    finished = sum(attempt.done is not None for attempt in item.attempts)
    return max(len(item.settled), finished) < sent


def _complete(loss: BrokerDataLoss, undone: list[Item], complete: EventRef) -> Finding:
    if complete.at <= loss.lost.at:
        return unknown("the Job was Complete before the broker lost its data", complete.id)
    certain = [
        item for item in undone if not any(_in_hands(attempt, loss) for attempt in item.attempts)
    ]
    if not certain:
        return unknown(
            "the Job is Complete, and what nobody has settled was in workers' hands when the "
            "broker lost its data: they may have finished it",
            *evidence_ids(loss.lost, loss.back, complete),
        )
    return failed(
        f"the broker has lost its data, and the Job is Complete with "
        f"{several(len(certain), 'item')} that nobody has worked on",
        *evidence_ids(certain[0].enqueued[0], loss.lost, loss.back, complete),
    )


def _in_hands(attempt: Attempt, loss: BrokerDataLoss) -> bool:
    """Return whether the worker had the item when the broker ended."""
    ended = attempt.ended
    still_held = ended is None or ended.at >= loss.lost.at - _JUST_BEFORE
    return attempt.delivered.at <= loss.back.at and still_held


def _not_complete(view: RunModel, loss: BrokerDataLoss, undone: list[Item]) -> Finding:
    """Judge a Job that is not Complete; conclusive only if a worker connected after the loss."""
    opened = [
        connection.opened
        for connection in view.connections.values()
        if connection.opened is not None and connection.opened.at >= loss.back.at
    ]
    if not opened:
        return unknown("nobody has come to the broker since it lost its data", loss.back.id)
    connected = min(opened, key=lambda event: event.at)
    watched = view.last - connected.at
    if watched < view.header.bounds.progress:
        return unknown(
            f"the history ends {watched:.1f} s after a worker has come to the broker that has "
            "lost its data",
            *evidence_ids(loss.back, connected),
        )
    return passed(
        f"the broker has lost its data with {several(len(undone), 'item')} undone, and "
        f"{watched:.1f} s after a worker has come again the Job was not Complete",
        *evidence_ids(loss.lost, loss.back, connected),
    )


INVARIANT = Invariant(
    "S16",
    "lost broker is not success",
    ("coarse", "fine"),
    check,
    judged_after_broker_loss=True,
    level="extended",
)
