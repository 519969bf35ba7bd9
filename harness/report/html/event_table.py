"""The table of a history's events: all, or the relevant ones if there are very many."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from harness.checks.model import WorkerNames
from harness.checks.narrative import RENDERERS
from harness.core.text import clean
from harness.history import Event

#: Above this count only the first, the last and the cited events are listed.
MOST_EVENTS = 600
#: Most characters of a recorded event; a worker's line may have many thousands.
_LONGEST = 600


class EventRow(msgspec.Struct, frozen=True):
    """One event: its description in a sentence, and its recorded form."""

    event: int
    at: float
    source: str
    text: str
    raw: str
    cited: bool


class EventTable(msgspec.Struct, frozen=True):
    """The rows, and the total number of events."""

    lines: tuple[EventRow, ...]
    total: int


def event_table(cast: WorkerNames, events: Sequence[Event], cited: Collection[int]) -> EventTable:
    """Build the table of events.

    Args:
        cast: The names of the workers.
        events: All events of the history.
        cited: The ids of the events that findings cite.
    """
    half = MOST_EVENTS // 2
    tail = len(events) - half
    rows = [
        _event_row(cast, event, event.id in cited)
        for position, event in enumerate(events)
        if len(events) <= MOST_EVENTS or position < half or position >= tail or event.id in cited
    ]
    return EventTable(tuple(rows), len(events))


def describe(cast: WorkerNames, event: Event) -> str:
    """Describe an event in a sentence."""
    return clean(RENDERERS[type(event.what)](cast, event.what))


def _event_row(cast: WorkerNames, event: Event, cited: bool) -> EventRow:
    at = getattr(event.what, "at", None)
    raw = msgspec.json.encode(event.what).decode()
    if len(raw) > _LONGEST:
        raw = f"{raw[:_LONGEST]}… ({len(raw)} characters)"
    moment = event.time if at is None else at
    return EventRow(event.id, moment, event.source, describe(cast, event), raw, cited)
