"""The events of a history that a page lists: all, or those that matter of very many."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from harness.checks.model import WorkerNames
from harness.checks.narrative import RENDERERS
from harness.core.text import clean
from harness.history import Event

#: More events than these are listed in part: the first, the last, what findings rest on.
MOST_EVENTS = 600
#: Characters of an event as it was recorded; a worker's line may have many thousands.
_LONGEST = 600


class EventRow(msgspec.Struct, frozen=True):
    """One event: told, and as it was recorded."""

    event: int
    at: float
    source: str
    text: str
    raw: str
    cited: bool


class EventTable(msgspec.Struct, frozen=True):
    """The lines, and how many events there are."""

    lines: tuple[EventRow, ...]
    total: int


def event_table(cast: WorkerNames, events: Sequence[Event], cited: Collection[int]) -> EventTable:
    """The events as a page lists them; `cited` are those that findings rest on."""
    half = MOST_EVENTS // 2
    last = len(events) - half
    some = [
        _line(cast, event, event.id in cited)
        for place, event in enumerate(events)
        if len(events) <= MOST_EVENTS or place < half or place >= last or event.id in cited
    ]
    return EventTable(tuple(some), len(events))


def describe(cast: WorkerNames, event: Event) -> str:
    """An event in a sentence."""
    return clean(RENDERERS[type(event.what)](cast, event.what))


def _line(cast: WorkerNames, event: Event, cited: bool) -> EventRow:
    at = getattr(event.what, "at", None)
    raw = msgspec.json.encode(event.what).decode()
    if len(raw) > _LONGEST:
        raw = f"{raw[:_LONGEST]}… ({len(raw)} characters)"
    moment = event.time if at is None else at
    return EventRow(event.id, moment, event.source, describe(cast, event), raw, cited)
