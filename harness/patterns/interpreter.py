"""What turns the tap's records into events, whatever the broker."""

from __future__ import annotations

from typing import Protocol

from harness.history import What
from harness.tap.records import Record


class Reader(Protocol):
    """Takes records in the order in which the tap tells them. Pure: no clock, no network."""

    def take(self, at: float, record: Record) -> list[What]:
        """The events that are complete with a record; `at` in seconds since 1970."""

    def flush(self) -> list[What]:
        """What is still open, at the end."""

    def idle(self) -> bool:
        """Whether all that was taken has come out."""

    def leases_understood(self) -> str:
        """Why the leases cannot be told, or empty."""
