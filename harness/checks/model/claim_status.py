"""Whether others may have what a worker was given: it was given back, or its lease is over."""

from __future__ import annotations

from typing import Literal

from harness.checks.model.event_ref import EventRef, before
from harness.checks.model.items import Attempt
from harness.checks.model.run_model import RunModel

#: Seconds by which the end of a lease may be another for who set it and for the broker.
SLACK = 0.5

#: Why others may have it: `back`, its connection `lost`, its holder `gone`, its lease `expired`.
#: Why not: it was `settled`, or its holder has `kept` it. Or nobody can say (`unclear`).
ClaimStatus = Literal["back", "lost", "gone", "expired", "settled", "kept", "unclear"]
#: Others may have it.
FREE: frozenset[ClaimStatus] = frozenset(("back", "lost", "gone", "expired"))


def claim_status(view: RunModel, attempt: Attempt, now: EventRef) -> ClaimStatus:
    """What had become of an attempt by a moment."""
    settled, known = attempt.settled, view.life(attempt.worker) is not None
    if attempt.back is not None and not before(now, attempt.back):
        return "back"
    if settled is not None and before(EventRef(settled.ref.id, settled.effect), now):
        return "settled"
    if gone := _gone(view, attempt, now.at):
        return gone
    if attempt.until is not None and attempt.until <= now.at + SLACK:
        return "expired"
    # Where its like have leases, one without has not come to take its own.
    leases = attempt.until is not None or view.header.figures.lease is not None
    return "kept" if leases and known else "unclear"


def _gone(view: RunModel, attempt: Attempt, at: float) -> ClaimStatus | None:
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
