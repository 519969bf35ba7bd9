"""L1: an item whose holder is gone comes to another worker, in time."""

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
    """A worker is gone, for good, and had an item. It was there no more from `since` on."""

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
        gone = _gone(view, attempt, life)
        if gone is None:
            continue
        mark, earliest, latest = gone
        if attempt.ended is None or attempt.ended.at >= earliest:
            yield _Loss(item, attempt, life, mark, latest)


def _gone(
    view: RunModel, attempt: Attempt, life: WorkerLifetime
) -> tuple[EventRef, float, float] | None:
    """What shows that the holder is gone, and between which moments it went."""
    if view.coarse:  # there it has the item by its connection
        closed = view.connections[attempt.connection].closed
        if closed is not None:
            return closed, closed.at, closed.at
    if life.cut_off is not None:
        return life.cut_off, life.cut_off.at, life.cut_off.at
    if life.end is not None:
        return life.end.ref, life.end.earliest, life.end.latest
    # A process that lives but has been cut off for good is gone, too.
    return (life.deaf, life.deaf.at, life.deaf.at) if life.deaf else None


def _judge(view: RunModel, loss: _Loss) -> Finding:
    name, who = loss.item.payload, view.names.short(loss.life.worker)
    lost = evidence_ids(loss.attempt.delivered, loss.gone)
    healed = max((mark.at for mark in view.fault_log.healed.values()), default=0.0)
    since = max(loss.since, healed)
    dealt_with = _dealt_with(loss)
    until = view.last if dealt_with is None else dealt_with.at
    if dealt_with is None and view.coarse and loss.item.dead:
        return passed(f"{shown(name)}, which {who} had when it went, was set aside", *lost)
    wait = _bound(view, loss, since)
    # Only while somebody is there who wants an item: who is at work need not take a second one.
    waited = 0.0 if wait is None else view.idle.within(wait.since, until)
    if wait is not None and waited > wait.bound:
        again = f"after {until - since:.1f} s" if dealt_with else "not again"
        return failed(
            f"{who} was gone with {shown(name)}, which was delivered {again}, though others waited",
            *lost,
            *evidence_ids(dealt_with),
        )
    if dealt_with is not None:
        return passed(f"{shown(name)}, which {who} had when it went, came to another", *lost)
    if too_long(view, loss.attempt):
        return _kept(view, loss, since)
    why = "no lease was seen, so nobody can say when it should have been"
    if wait is not None:
        why = f"for {waited:.1f} of {wait.bound:.1f} s somebody was there to take it"
    return unknown(
        f"{shown(name)}, which {who} had when it went, was not delivered again; {why}", *lost
    )


class _Bound(NamedTuple):
    """So many seconds of somebody's idle time, counted from a moment on."""

    since: float
    bound: float


def _bound(view: RunModel, loss: _Loss, since: float) -> _Bound | None:
    """By when it must come to another; None where its lease, or any, was not seen.

    A lease ends when it does, whatever others last.
    """
    bounds, until = view.header.bounds, loss.attempt.until
    if not view.coarse and until is not None and bounds.pickup is not None:
        return _Bound(max(since, until), bounds.pickup)
    leased = view.coarse or until is not None or view.header.figures.lease is not None
    if bounds.reclaim is None or not leased:
        return None
    return _Bound(since, bounds.reclaim)


def _kept(view: RunModel, loss: _Loss, since: float) -> Finding:
    """Its lease goes on for longer than anybody waits: others may still take it all the same."""
    bounds, lost = view.header.bounds, evidence_ids(loss.attempt.delivered, loss.gone)
    text = f"{shown(loss.item.payload)} was not delivered again: {long_lease(view, loss.attempt)}"
    waited = view.idle.within(since, view.last)
    if far_too_long(view, loss.attempt) and waited > (bounds.reclaim or 0.0):
        return failed(text, *lost)
    return unknown(text, *lost)


def _dealt_with(loss: _Loss) -> EventRef | None:
    """The next delivery of the item, or its being set aside."""
    after = loss.attempt.delivered.id
    marks = [one.delivered for one in loss.item.attempts if one.delivered.id > after]
    # Who removes what it never had has not dealt with it.
    marks += [one.ref for one in loss.item.settled if one.ref.id > after and one.by_holder]
    return min(marks, key=lambda one: one.id, default=None)


INVARIANT = Invariant("L1", "reclaim", ("coarse", "fine"), check)
