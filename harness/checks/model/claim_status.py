"""Whether other workers may take a delivered item: it came back, or its lease is over."""

from __future__ import annotations

from typing import Literal

from harness.checks.model.event_ref import EventRef, before
from harness.checks.model.items import Attempt
from harness.checks.model.run_model import RunModel

#: Seconds by which the end of a lease may differ between its holder and the broker.
SLACK = 0.5

#: Free: it came `back`, its connection was `lost`, its holder `gone`, or its lease `expired`. Not
#: free: it was `settled`, or its holder `kept` it. Or undecidable: `unclear`.
ClaimStatus = Literal["back", "lost", "gone", "expired", "settled", "kept", "unclear"]
#: Others may take the item.
FREE: frozenset[ClaimStatus] = frozenset(("back", "lost", "gone", "expired"))


def claim_status(view: RunModel, attempt: Attempt, now: EventRef) -> ClaimStatus:
    """Return the status of an attempt at a moment."""
    settled, known = attempt.settled, view.life(attempt.worker) is not None
    if attempt.back is not None and not before(now, attempt.back):
        return "back"
    if settled is not None and before(EventRef(settled.ref.id, settled.effect), now):
        return "settled"
    if gone := _gone(view, attempt, now.at):
        return gone
    if attempt.until is not None and attempt.until <= now.at + SLACK:
        return "expired"
    # If attempts usually have leases, a worker without one never came to take its own.
    leases = attempt.until is not None or view.header.figures.lease is not None
    return "kept" if leases and known else "unclear"


def _gone(view: RunModel, attempt: Attempt, at: float) -> ClaimStatus | None:
    """Return whether by then its connection was lost, or its holder gone.

    A lease does not depend on a connection: its holder may reconnect. The exception is a connection
    that was cut, because the holder may not know that it has the lease.
    """
    connection, life = view.connections.get(attempt.connection), view.life(attempt.worker)
    closed = connection.closed if connection and (view.coarse or connection.cut) else None
    if closed is not None and closed.at <= at:
        return "lost"
    ended = life is not None and life.gone_from is not None and life.gone_from <= at
    return "gone" if ended else None
