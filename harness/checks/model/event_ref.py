"""A moment of a history: the event that shows it, and when it was."""

from __future__ import annotations

from typing import Protocol

import msgspec

from harness.history import Event


class EventRef(msgspec.Struct, frozen=True, gc=False):
    """`at` is in seconds since the start of the run, by the clock of who saw it."""

    id: int
    at: float


class Referring(Protocol):
    """Whatever one event shows."""

    @property
    def ref(self) -> EventRef: ...


def ref(event: Event) -> EventRef:
    """The moment of an event: its own `at`, where it has one, else when it was recorded."""
    at: float | None = getattr(event.what, "at", None)
    return EventRef(event.id, event.time if at is None else at)


def before(one: EventRef, other: EventRef) -> bool:
    """Whether a moment was earlier than another; of equal ones, the first that was recorded."""
    return (one.at, one.id) < (other.at, other.id)


def evidence_ids(*shown: EventRef | Referring | None) -> tuple[int, ...]:
    """The ids of the events that show these, for a finding; what is None is left out."""
    refs = (each if isinstance(each, EventRef) else each.ref for each in shown if each is not None)
    return tuple(ref.id for ref in refs)
