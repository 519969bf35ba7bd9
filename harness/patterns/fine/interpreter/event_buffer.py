"""Outgoing events: sorted by their moments, and held back while one is undecided."""

from __future__ import annotations

from operator import itemgetter

from harness.history import Observation
from harness.patterns.fine.interpreter.items.deliveries import PendingSettlement

_moment = itemgetter(0)


class EventBuffer:
    """Events that were not emitted yet; moments are seconds since the start."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Observation | PendingSettlement]] = []

    @property
    def empty(self) -> bool:
        return not self._waiting

    def put(self, at: float, what: Observation | PendingSettlement) -> None:
        self._waiting.append((at, what))

    def pull(self, until: float) -> list[Observation]:
        """Return all events up to this moment, or up to the first that is undecided."""
        self._waiting.sort(key=_moment)  # stable: events of the same moment keep their order
        events: list[Observation] = []
        for index, (at, event) in enumerate(self._waiting):
            if at > until or (isinstance(event, PendingSettlement) and not event.decided):
                del self._waiting[:index]
                return events
            observation = event.what if isinstance(event, PendingSettlement) else event
            if observation is not None:
                events.append(observation)
        self._waiting = []
        return events
