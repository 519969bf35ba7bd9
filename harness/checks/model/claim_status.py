"""Whether others may have what a worker was given: it was given back, or its lease is over."""

from __future__ import annotations

from typing import Literal

from harness.checks.model.event_ref import Mark, before
from harness.checks.model.items import Attempt
from harness.checks.model.run_model import View

#: Seconds by which the end of a lease may be another for who set it and for the broker.
SLACK = 0.5

#: Why others may have it: `back`, its connection `lost`, its holder `gone`, its lease `expired`.
#: Why not: it was `settled`, or its holder has `kept` it. Or nobody can say (`unclear`).
Claim = Literal["back", "lost", "gone", "expired", "settled", "kept", "unclear"]
#: Others may have it.
FREE: frozenset[Claim] = frozenset(("back", "lost", "gone", "expired"))


def claim(view: View, attempt: Attempt, now: Mark) -> Claim:
    """What had become of an attempt by a moment."""
    settled, known = attempt.settled, view.life(attempt.worker) is not None
    if attempt.back is not None and not before(now, attempt.back):
        return "back"
    if settled is not None and before(Mark(settled.mark.id, settled.effect), now):
        return "settled"
    if gone := _gone(view, attempt, now.at):
        return gone
    if attempt.until is not None and attempt.until <= now.at + SLACK:
        return "expired"
    # Where its like have leases, one without has not come to take its own.
    leases = attempt.until is not None or view.header.figures.lease is not None
    return "kept" if leases and known else "unclear"


def _gone(view: View, attempt: Attempt, at: float) -> Claim | None:
    """Whether its connection was lost by then, or its holder gone.

    A lease does not hang on a connection: who has it may come with another. Unless it was cut off,
    and may not have heard that it has it.
    """
    connection, life = view.connections.get(attempt.connection), view.life(attempt.worker)
    closed = connection.closed if connection and (view.coarse or connection.cut) else None
    if closed is not None and closed.at <= at:
        return "lost"
    ended = life is not None and life.gone_from is not None and life.gone_from <= at
    return "gone" if ended else None
