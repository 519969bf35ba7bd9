"""The events of a history that a page lists: all, or those that matter of very many."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from harness.checks.model import Cast
from harness.checks.narrative import TELLERS
from harness.core.text import clean
from harness.history import Event

#: More events than these are listed in part: the first, the last, what findings rest on.
MOST_EVENTS = 600
#: Characters of an event as it was recorded; a worker's line may have many thousands.
_LONGEST = 600


class Line(msgspec.Struct, frozen=True):
    """One event: told, and as it was recorded."""

    event: int
    at: float
    source: str
    text: str
    raw: str
    cited: bool


class Listing(msgspec.Struct, frozen=True):
    """The lines, and how many events there are."""

    lines: tuple[Line, ...]
    total: int


def listing(cast: Cast, events: Sequence[Event], cited: Collection[int]) -> Listing:
    """The events as a page lists them; `cited` are those that findings rest on."""
    half = MOST_EVENTS // 2
    last = len(events) - half
    some = [
        _line(cast, event, event.id in cited)
        for place, event in enumerate(events)
        if len(events) <= MOST_EVENTS or place < half or place >= last or event.id in cited
    ]
    return Listing(tuple(some), len(events))


def told(cast: Cast, event: Event) -> str:
    """An event in a sentence."""
    return clean(TELLERS[type(event.what)](cast, event.what))


def _line(cast: Cast, event: Event, cited: bool) -> Line:
    at = getattr(event.what, "at", None)
    raw = msgspec.json.encode(event.what).decode()
    if len(raw) > _LONGEST:
        raw = f"{raw[:_LONGEST]}… ({len(raw)} characters)"
    moment = event.time if at is None else at
    return Line(event.id, moment, event.source, told(cast, event), raw, cited)
