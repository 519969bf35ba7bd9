"""The broker as such: that it went away, and what it had when it was back."""

from __future__ import annotations

from harness.history.base import Count, Record


class BrokerLost(Record, frozen=True, tag="broker_lost"):
    """The broker has ended; until `BrokerBack` nobody reaches it, and nothing happens in it."""

    why: str
    at: float | None = None


class BrokerBack(Record, frozen=True, tag="broker_back"):
    """It has been started again, and has not yet served anybody since.

    `kept`: with all that it had, or (False) with nothing of it; None while that is not known.
    `keys` is how many it has that do not end by themselves (Redis), or of its queues (RabbitMQ).
    """

    keys: Count
    kept: bool | None = None
    at: float | None = None
