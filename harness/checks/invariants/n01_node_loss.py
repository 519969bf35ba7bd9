"""N1: an item is not lost with its holder's node, and reaches another worker in time."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, EventRef, InjectedFault, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history import NODE_LOSSES
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    reported = False
    for fault in view.fault_log.injected:
        life = view.life(fault.worker) if fault.fault in NODE_LOSSES else None
        for attempt in life.attempts if life else ():
            if _held(attempt, fault):
                reported = True
                yield _judge(view, attempt, fault)
    if not reported:
        yield unknown("no worker was lost with its node while it had an item")


def _held(attempt: Attempt, harm: InjectedFault) -> bool:
    """Return whether the worker had the item when its node was lost."""
    before = attempt.delivered.id < harm.ref.id
    return before and (attempt.ended is None or attempt.ended.id > harm.ref.id)


def _judge(view: RunModel, attempt: Attempt, harm: InjectedFault) -> Finding:
    item = view.items[attempt.item]
    name, bound = shown(attempt.item), _bound(view, attempt)
    evidence = evidence_ids(attempt.delivered, harm)
    later = [other.delivered for other in item.attempts if other.delivered.id > harm.ref.id]
    later += [settlement.ref for settlement in item.settled if settlement.ref.id > harm.ref.id]
    again = min(later, key=lambda event: event.id, default=None)
    gone = _due_from(view, attempt, harm)
    if gone is None and again is None:
        return unknown(f"RabbitMQ has not given up who had {name} on the lost node", *evidence)
    until = view.last if again is None else again.at
    since = harm.ref.at if gone is None else gone.at
    if view.header.bounds.pickup is not None:  # counted from the end of its own lease
        since = max(since, attempt.until or since)
    if bound is not None and view.idle.within(since, until) > bound:
        how = "late" if again else "not again"
        return failed(
            f"{name}, whose holder's node was lost, was delivered {how}, though others waited",
            *evidence_ids(attempt.delivered, harm, again),
        )
    if again is not None:
        redelivered = any(other.delivered.id == again.id for other in item.attempts)
        outcome = "came to another" if redelivered else "was settled all the same"
        return passed(f"{name}, whose holder's node was lost, {outcome}", *evidence)
    if view.job.complete:
        return failed(
            f"the Job is Complete, and {name} was lost with its holder's node",
            *evidence_ids(attempt.delivered, harm, view.job.complete),
        )
    return unknown(f"{name} was lost from sight with its holder's node", *evidence)


def _bound(view: RunModel, attempt: Attempt) -> float | None:
    """Return the seconds of idle time for redelivery; None if no lease was seen."""
    bounds = view.header.bounds
    if view.coarse or attempt.until is None or bounds.pickup is None:
        return bounds.reclaim
    return bounds.pickup


def _due_from(view: RunModel, attempt: Attempt, harm: InjectedFault) -> EventRef | None:
    """Return the event from which redelivery is due; coarse: the connection's end."""
    return view.connections[attempt.connection].closed if view.coarse else harm.ref


INVARIANT = Invariant("N1", "node loss", ("coarse", "fine"), check, level="extended")
