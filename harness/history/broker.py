"""The broker itself: its loss, and its state after a restart."""

from __future__ import annotations

from harness.history.base import Count, Record


class BrokerLost(Record, frozen=True, tag="broker_lost"):
    """The broker ended; until `BrokerBack` no client reaches it and its state stays unchanged."""

    why: str
    #: Seconds since the start of the run, by the tap's clock; None where the harness recorded it.
    at: float | None = None


class BrokerBack(Record, frozen=True, tag="broker_back"):
    """The broker has started again, and has not served any client since."""

    #: Number of keys without an expiry (Redis), or number of its queues (RabbitMQ).
    keys: Count
    #: True: it kept all its data. False: it lost all its data. None: not known yet.
    kept: bool | None = None
    #: Seconds since the start of the run, by the tap's clock; None where the harness recorded it.
    at: float | None = None
