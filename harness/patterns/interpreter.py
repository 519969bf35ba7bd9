"""What turns the tap's records into events, whatever the broker."""

from __future__ import annotations

from typing import Protocol

from harness.history import Observation
from harness.tap.records import Record


class Interpreter(Protocol):
    """Takes records in the order in which the tap tells them. Pure: no clock, no network."""

    def feed(self, at: float, record: Record) -> list[Observation]:
        """The events that are complete with a record; `at` in seconds since 1970."""

    def finish(self) -> list[Observation]:
        """What is still open, at the end."""

    def drained(self) -> bool:
        """Whether all that was taken has come out."""

    def lease_blind_spot(self) -> str:
        """Why the leases cannot be told, or empty."""
