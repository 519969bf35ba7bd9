"""L7: a worker that is told to stop finishes or gives back, in time, and tells no lie about it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, Item, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Outcome, failed, passed, unknown
from harness.core.text import several
from harness.history import STOPS
from harness.history.preview import shown

#: Seconds before the signal from which on a worker knows what was delivered to it.
_KNOWN = 1.0


def check(view: RunModel) -> Iterator[Finding]:
    stops = [harm for harm in view.fault_log.injected if harm.fault in STOPS]
    for harm in stops:
        life = view.life(harm.worker)
        if life is None or life.end is None or life.end.latest <= harm.ref.at:
            yield unknown("nobody saw how the worker that was told to stop ended", harm.ref.id)
        else:
            yield _judge(view, life, life.end, harm.ref)
    if not stops:
        yield unknown("no worker was told to stop")


def _judge(view: RunModel, life: WorkerLifetime, end: WorkerExit, told: EventRef) -> Finding:
    who = view.names.short(life.worker)
    had = [one for one in life.attempts if one.ended is None or one.ended.at >= told.at]
    kept = [one for one in had if _kept(view, one, end)]
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
    lied = _lied(view, life, end, told, had) if end.exit_code == 0 else None
    if lied is not None:
        return lied
    if not had:
        return unknown(f"{who} had no item when it was told to stop", *evidence_ids(told, end))
    return _uncovered(view, who, had[-1], evidence_ids(told, end)) or _ended_well(
        who, had[-1], told, end
    )


def _uncovered(
    view: RunModel, who: str, attempt: Attempt, evidence: tuple[int, ...]
) -> Finding | None:
    """What it has settled in the end, without having worked on it."""
    flaw = view.flaws.get(attempt.settled.ref.id) if attempt.settled else None
    if flaw is None or not (flaw.suspect or flaw.outcome is Outcome.FAIL):
        return None
    told = f"{who} was told to stop: {flaw.reason}"
    if flaw.outcome is Outcome.FAIL:
        return failed(told, *flaw.evidence, *evidence)
    return unknown(told, *flaw.evidence, *evidence, suspect=True)


def _ended_well(who: str, last: Attempt, told: EventRef, end: WorkerExit) -> Finding:
    item = shown(last.item)
    how = "finished" if last.settled else "gave back"
    return passed(
        f"{who} was told to stop, {how} {item} and exited with {end.exit_code}",
        *evidence_ids(last.delivered, told, last.ended, end),
    )


def _kept(view: RunModel, attempt: Attempt, end: WorkerExit) -> bool:
    """Whether the item was still its when it ended."""
    if attempt.settled is not None or attempt.how == "returned":
        return False
    if attempt.ended is not None and attempt.ended.at < end.earliest:
        return False  # its lease was over, or it was cut off
    if attempt.until is not None and attempt.until <= end.earliest and not end.killed:
        return False  # to end its lease is to give it back
    # Where the connection holds the item, any end in time gives it back.
    return end.killed if view.coarse else True


def _aware(attempt: Attempt, told: EventRef) -> bool:
    """Whether the worker knew that it had the item, and not only its broker did."""
    return attempt.started is not None or attempt.delivered.at < told.at - _KNOWN


def _lied(
    view: RunModel, life: WorkerLifetime, end: WorkerExit, told: EventRef, had: list[Attempt]
) -> Finding | None:
    """What an exit with 0 has told, if that is not so."""
    who, lie = view.names.short(life.worker), _lie(view, life, end)
    if lie is None:
        return None
    stranger = next((one for one in view.attempts if one.worker is None), None)
    if view.coarse and not life.settled and stranger is not None:
        return unknown(
            f"nobody knows whose deliveries some are: {who} may have settled one",
            *evidence_ids(stranger.delivered, told, end),
        )
    given = [one.delivered for one in had[:1]]
    return failed(
        f"{who} was told to stop, and exited with 0 though {lie}", *evidence_ids(*given, told, end)
    )


def _lie(view: RunModel, life: WorkerLifetime, end: WorkerExit) -> str | None:
    """What makes an exit with 0 a lie: coarse, of its own; fine, any item that is not done."""
    if view.coarse:
        if len(life.settled) == 1:
            return None
        mine = next((one.item for one in life.attempts if one.settled is None), None)
        if mine is None:
            return f"it has settled {several(len(life.settled), 'message')}"
        return f"{shown(mine)} was not done"
    there = next((item for item in view.sent if _there(item, end)), None)
    return None if there is None else f"{shown(there.payload)} was not done"


def _there(item: Item, end: WorkerExit) -> bool:
    """Whether of what was sent before it ended something was not done then."""
    undone = item.unsettled + sum(one.effect > end.latest for one in item.settled)
    return undone > sum(one.at >= end.earliest for one in item.enqueued)


INVARIANT = Invariant("L7", "graceful stop", ("coarse", "fine"), check, level="extended")
