"""L1: an item whose holder is gone reaches another worker in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.checks.invariant import Invariant
from harness.checks.model import (
    Attempt,
    EventRef,
    Item,
    RunModel,
    WorkerLifetime,
    far_too_long,
    long_lease,
    too_long,
)
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history.preview import shown


class _Loss(NamedTuple):
    """A worker that had an item is gone for good, from `since` on (in seconds)."""

    item: Item
    attempt: Attempt
    life: WorkerLifetime
    gone: EventRef
    since: float


def check(view: RunModel) -> Iterator[Finding]:
    losses = [loss for item in view.sent for loss in _losses(view, item)]
    for loss in losses:
        yield _judge(view, loss)
    if not losses:
        yield unknown("nobody was lost with an item")


def _losses(view: RunModel, item: Item) -> Iterator[_Loss]:
    for attempt in item.attempts:
        life = view.life(attempt.worker)
        if life is None or attempt.settled is not None:
            continue
        gone = _holder_gone(view, attempt, life)
        if gone is None:
            continue
        event, earliest, latest = gone
        if attempt.ended is None or attempt.ended.at >= earliest:
            yield _Loss(item, attempt, life, event, latest)


def _holder_gone(
    view: RunModel, attempt: Attempt, life: WorkerLifetime
) -> tuple[EventRef, float, float] | None:
    """Return the event that shows the loss of the holder, and its earliest and latest time."""
    if view.coarse:  # there the connection holds the item
        closed = view.connections[attempt.connection].closed
        if closed is not None:
            return closed, closed.at, closed.at
    if life.cut_off is not None:
        return life.cut_off, life.cut_off.at, life.cut_off.at
    if life.end is not None:
        return life.end.ref, life.end.earliest, life.end.latest
    # A living process that is cut off for good counts as gone.
    return (
        (life.disconnected, life.disconnected.at, life.disconnected.at)
        if life.disconnected
        else None
    )


def _judge(view: RunModel, loss: _Loss) -> Finding:
    name, who = loss.item.payload, view.names.short(loss.life.worker)
    lost = evidence_ids(loss.attempt.delivered, loss.gone)
    healed = max((event.at for event in view.fault_log.healed.values()), default=0.0)
    since = max(loss.since, healed)
    next_event = _next_event(loss)
    until = view.last if next_event is None else next_event.at
    if next_event is None and view.coarse and loss.item.dead:
        return passed(f"{shown(name)}, which {who} had when it went, was set aside", *lost)
    wait = _bound(view, loss, since)
    # Count only time with an idle worker: a busy worker need not take a second item.
    waited = 0.0 if wait is None else view.idle.within(wait.since, until)
    if wait is not None and waited > wait.bound:
        again = f"after {until - since:.1f} s" if next_event else "not again"
        return failed(
            f"{who} was gone with {shown(name)}, which was delivered {again}, though others waited",
            *lost,
            *evidence_ids(next_event),
        )
    if next_event is not None:
        return passed(f"{shown(name)}, which {who} had when it went, came to another", *lost)
    if too_long(view, loss.attempt):
        return _long_lease(view, loss, since)
    reason = "no lease was seen, so nobody can say when it should have been"
    if wait is not None:
        reason = f"for {waited:.1f} of {wait.bound:.1f} s somebody was there to take it"
    return unknown(
        f"{shown(name)}, which {who} had when it went, was not delivered again; {reason}", *lost
    )


class _Bound(NamedTuple):
    """A limit of `bound` seconds in which any worker is idle, counted from `since`."""

    since: float
    bound: float


def _bound(view: RunModel, loss: _Loss, since: float) -> _Bound | None:
    """Return the limit for redelivery; None if its lease, or any lease, was not seen.

    A lease that was seen counts until its own end, regardless of the length of other leases.
    """
    bounds, until = view.header.bounds, loss.attempt.until
    if not view.coarse and until is not None and bounds.pickup is not None:
        return _Bound(max(since, until), bounds.pickup)
    leased = view.coarse or until is not None or view.header.figures.lease is not None
    if bounds.reclaim is None or not leased:
        return None
    return _Bound(since, bounds.reclaim)


def _long_lease(view: RunModel, loss: _Loss, since: float) -> Finding:
    """Judge a lease that outlasts the wait; others may still take the item before it ends."""
    bounds, lost = view.header.bounds, evidence_ids(loss.attempt.delivered, loss.gone)
    text = f"{shown(loss.item.payload)} was not delivered again: {long_lease(view, loss.attempt)}"
    waited = view.idle.within(since, view.last)
    if far_too_long(view, loss.attempt) and waited > (bounds.reclaim or 0.0):
        return failed(text, *lost)
    return unknown(text, *lost)


def _next_event(loss: _Loss) -> EventRef | None:
    """Return the next delivery or settlement of the item; None if there is neither."""
    after = loss.attempt.delivered.id
    events = [attempt.delivered for attempt in loss.item.attempts if attempt.delivered.id > after]
    # A worker that removes an item it never had does not count.
    events += [
        settlement.ref
        for settlement in loss.item.settled
        if settlement.ref.id > after and settlement.by_holder
    ]
    return min(events, key=lambda event: event.id, default=None)


INVARIANT = Invariant("L1", "reclaim", ("coarse", "fine"), check)
