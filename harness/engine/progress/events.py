"""Progress events of a campaign: small records for the code that shows them to a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec


class _ProgressEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base of all events: immutable, and decoded strictly."""


class Message(_ProgressEvent, frozen=True, tag="note"):
    """One line that belongs to no scenario."""

    line: str


class ScenariosPlanned(_ProgressEvent, frozen=True, tag="planned"):
    """The requested scenarios; when several processes send this event, it is the same."""

    scenarios: tuple[str, ...]


class ScenarioStarted(_ProgressEvent, frozen=True, tag="begun"):
    """A scenario starts; `says` is its sentence for a reader."""

    scenario: str
    says: str


class ItemCounts(_ProgressEvent, frozen=True, tag="items"):
    """The state of a scenario's items: seeded, done, held by a worker, redelivered."""

    scenario: str
    seeded: int
    done: int
    leased: int
    reclaimed: int


class WaitStarted(_ProgressEvent, frozen=True, tag="waiting"):
    """The current wait of a scenario, and its latest end; an empty `what` ends the wait."""

    scenario: str
    what: str
    until: datetime | None = None


class ScenarioFinished(_ProgressEvent, frozen=True, tag="over"):
    """A scenario was played; `why` explains why it did not come to its end, else it is empty."""

    scenario: str
    why: str = ""


News = Message | ScenariosPlanned | ScenarioStarted | ItemCounts | WaitStarted | ScenarioFinished
#: Receives progress events; called in any thread, and never waits.
ProgressSink = Callable[[News], None]


def ignore_progress(_: News) -> None:
    """Ignore a progress event."""
