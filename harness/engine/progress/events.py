"""What a campaign tells while it goes on: small records, for whoever shows them to a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec


class _News(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Immutable, and read back strictly."""


class Message(_News, frozen=True, tag="note"):
    """One line that belongs to no scenario."""

    line: str


class ScenariosPlanned(_News, frozen=True, tag="planned"):
    """The scenarios that are asked for; from several processes they are the same."""

    scenarios: tuple[str, ...]


class ScenarioStarted(_News, frozen=True, tag="begun"):
    """A scenario is played from now on; `says` is its sentence for a reader."""

    scenario: str
    says: str


class ItemCounts(_News, frozen=True, tag="items"):
    """How far a scenario's items are: forgotten by the broker, held by somebody, given again."""

    scenario: str
    seeded: int
    done: int
    leased: int
    reclaimed: int


class WaitStarted(_News, frozen=True, tag="waiting"):
    """What a scenario waits for now, and until when at most; for nothing when `what` is empty."""

    scenario: str
    what: str
    until: datetime | None = None


class ScenarioFinished(_News, frozen=True, tag="over"):
    """A scenario was played; `why` says why it did not come to its end, and is empty else."""

    scenario: str
    why: str = ""


News = Message | ScenariosPlanned | ScenarioStarted | ItemCounts | WaitStarted | ScenarioFinished
#: Takes news; called in any thread, and never waits.
ProgressSink = Callable[[News], None]


def ignore_progress(_: News) -> None:
    """Nobody listens."""
