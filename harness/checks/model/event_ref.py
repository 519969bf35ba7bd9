"""A moment of a history: the event that shows it, and when it was."""

from __future__ import annotations

import msgspec

from harness.history import Event


class Mark(msgspec.Struct, frozen=True, gc=False):
    """`at` is in seconds since the start of the run, by the clock of who saw it."""

    id: int
    at: float


def mark(event: Event) -> Mark:
    """The moment of an event: its own `at`, where it has one, else when it was recorded."""
    at: float | None = getattr(event.what, "at", None)
    return Mark(event.id, event.time if at is None else at)


def before(one: Mark, other: Mark) -> bool:
    """Whether a moment was earlier than another; of equal ones, the first that was recorded."""
    return (one.at, one.id) < (other.at, other.id)
