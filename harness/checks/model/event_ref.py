"""A reference to an event: its id and its time."""

from __future__ import annotations

from typing import Protocol

import msgspec

from harness.history import Event


class EventRef(msgspec.Struct, frozen=True, gc=False):
    """`at` is in seconds since the start of the run, by the clock of the observer."""

    id: int
    at: float


class Referring(Protocol):
    """Anything that one event shows."""

    @property
    def ref(self) -> EventRef: ...


def ref(event: Event) -> EventRef:
    """Return the reference to an event.

    Its time is the event's own `at` if it has one, else the time of the record.
    """
    at: float | None = getattr(event.what, "at", None)
    return EventRef(event.id, event.time if at is None else at)


def before(one: EventRef, other: EventRef) -> bool:
    """Return whether a moment was earlier than another.

    At equal times the event that was recorded first is the earlier one.
    """
    return (one.at, one.id) < (other.at, other.id)


def evidence_ids(*shown: EventRef | Referring | None) -> tuple[int, ...]:
    """Return the ids of the events that show these, for a finding; skip None."""
    refs = (item if isinstance(item, EventRef) else item.ref for item in shown if item is not None)
    return tuple(event_ref.id for event_ref in refs)
