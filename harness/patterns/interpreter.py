"""The interface that turns the tap's records into events, for any broker."""

from __future__ import annotations

from typing import Protocol

from harness.history import Observation
from harness.tap.records import Record


class Interpreter(Protocol):
    """Take records in the order in which the tap sends them. Pure: no clock, no network."""

    def feed(self, at: float, record: Record) -> list[Observation]:
        """Return the events that are complete with a record; `at` in seconds since 1970."""

    def finish(self) -> list[Observation]:
        """Return the events that are still open at the end."""

    def drained(self) -> bool:
        """Return whether the interpreter has returned events for all its input."""

    def lease_blind_spot(self) -> str:
        """Return why the interpreter cannot see leases; empty if it can."""
