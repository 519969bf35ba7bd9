"""L7: a worker that must stop finishes or returns its item in time, and exits truthfully."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, Item, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Outcome, failed, passed, unknown
from harness.core.text import several
from harness.history import STOPS
from harness.history.preview import shown

#: Seconds that a delivery must precede the signal so that the worker knows of it.
_KNOWN = 1.0


def check(view: RunModel) -> Iterator[Finding]:
    stops = [fault for fault in view.fault_log.injected if fault.fault in STOPS]
    for fault in stops:
        life = view.life(fault.worker)
        if life is None or life.end is None or life.end.latest <= fault.ref.at:
            yield unknown("nobody saw how the worker that was told to stop ended", fault.ref.id)
        else:
            yield _judge(view, life, life.end, fault.ref)
    if not stops:
        yield unknown("no worker was told to stop")


def _judge(view: RunModel, life: WorkerLifetime, end: WorkerExit, told: EventRef) -> Finding:
    who = view.names.short(life.worker)
    held = [
        candidate
        for candidate in life.attempts
        if candidate.ended is None or candidate.ended.at >= told.at
    ]
    kept = [candidate for candidate in held if _kept(view, candidate, end)]
    for attempt in kept:
        evidence = evidence_ids(attempt.delivered, told, end)
        if not _aware(attempt, told):
            return unknown(
                f"{shown(attempt.item)} was on its way to {who} when it ended", *evidence
            )
        how = "had to be killed with" if end.killed else "ended and kept"
        return failed(f"{who} was told to stop, and {how} {shown(attempt.item)}", *evidence)
    if end.exit_code is None:
        return unknown(f"nobody saw with what {who} exited", *evidence_ids(told, end))
    untrue = _untruthful_exit(view, life, end, told, held) if end.exit_code == 0 else None
    if untrue is not None:
        return untrue
    if not held:
        return unknown(f"{who} had no item when it was told to stop", *evidence_ids(told, end))
    return _settled_without_work(view, who, held[-1], evidence_ids(told, end)) or _ended_well(
        who, held[-1], told, end
    )


def _settled_without_work(
    view: RunModel, who: str, attempt: Attempt, evidence: tuple[int, ...]
) -> Finding | None:
    """Report an item that the worker settled before it ended without evidence of work."""
    flaw = view.missing_evidence.get(attempt.settled.ref.id) if attempt.settled else None
    if flaw is None or not (flaw.suspect or flaw.outcome is Outcome.FAIL):
        return None
    reason = f"{who} was told to stop: {flaw.reason}"
    if flaw.outcome is Outcome.FAIL:
        return failed(reason, *flaw.evidence, *evidence)
    return unknown(reason, *flaw.evidence, *evidence, suspect=True)


def _ended_well(who: str, last: Attempt, told: EventRef, end: WorkerExit) -> Finding:
    item = shown(last.item)
    how = "finished" if last.settled else "gave back"
    return passed(
        f"{who} was told to stop, {how} {item} and exited with {end.exit_code}",
        *evidence_ids(last.delivered, told, last.ended, end),
    )


def _kept(view: RunModel, attempt: Attempt, end: WorkerExit) -> bool:
    """Return whether the worker still held the item when it ended."""
    if attempt.settled is not None or attempt.how == "returned":
        return False
    if attempt.ended is not None and attempt.ended.at < end.earliest:
        return False  # its lease expired, or it was cut off
    if attempt.until is not None and attempt.until <= end.earliest and not end.killed:
        return False  # a worker that ends its lease returns the item
    # If the connection holds the item, any exit in time returns it.
    return end.killed if view.coarse else True


def _aware(attempt: Attempt, told: EventRef) -> bool:
    """Return whether the worker, and not only the broker, knew of the delivery."""
    return attempt.started is not None or attempt.delivered.at < told.at - _KNOWN


def _untruthful_exit(
    view: RunModel, life: WorkerLifetime, end: WorkerExit, told: EventRef, had: list[Attempt]
) -> Finding | None:
    """Judge an exit with 0; None if it was truthful."""
    who, untruth = view.names.short(life.worker), _untruth(view, life, end)
    if untruth is None:
        return None
    unowned = next((attempt for attempt in view.attempts if attempt.worker is None), None)
    if view.coarse and not life.settled and unowned is not None:
        return unknown(
            f"nobody knows whose deliveries some are: {who} may have settled one",
            *evidence_ids(unowned.delivered, told, end),
        )
    delivered = [attempt.delivered for attempt in had[:1]]
    return failed(
        f"{who} was told to stop, and exited with 0 though {untruth}",
        *evidence_ids(*delivered, told, end),
    )


def _untruth(view: RunModel, life: WorkerLifetime, end: WorkerExit) -> str | None:
    """Return why an exit with 0 is untrue: coarse, its own item; fine, any item not done."""
    if view.coarse:
        if len(life.settled) == 1:
            return None
        own_item = next(
            (attempt.item for attempt in life.attempts if attempt.settled is None), None
        )
        if own_item is None:
            return f"it has settled {several(len(life.settled), 'message')}"
        return f"{shown(own_item)} was not done"
    undone_item = next((item for item in view.sent if _undone_at_exit(item, end)), None)
    return None if undone_item is None else f"{shown(undone_item.payload)} was not done"


def _undone_at_exit(item: Item, end: WorkerExit) -> bool:
    """Return whether a copy that was sent before the exit was not done at the exit."""
    undone = item.unsettled + sum(settlement.effect > end.latest for settlement in item.settled)
    return undone > sum(event.at >= end.earliest for event in item.enqueued)


INVARIANT = Invariant("L7", "graceful stop", ("coarse", "fine"), check, level="extended")
