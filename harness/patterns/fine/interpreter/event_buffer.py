"""Events on their way out: put in order by their moments, and kept while one is undecided."""

from __future__ import annotations

from operator import itemgetter

from harness.history import Observation
from harness.patterns.fine.interpreter.items.deliveries import PendingSettlement

_moment = itemgetter(0)


class EventBuffer:
    """What has happened, and has not been told yet. Moments are seconds since the start."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Observation | PendingSettlement]] = []

    @property
    def empty(self) -> bool:
        return not self._waiting

    def put(self, at: float, what: Observation | PendingSettlement) -> None:
        self._waiting.append((at, what))

    def pull(self, until: float) -> list[Observation]:
        """All up to this moment, or up to the first that is undecided."""
        self._waiting.sort(key=_moment)  # of the same moment, in the order of coming
        told: list[Observation] = []
        for index, (at, what) in enumerate(self._waiting):
            if at > until or (isinstance(what, PendingSettlement) and not what.decided):
                del self._waiting[:index]
                return told
            settled = what.what if isinstance(what, PendingSettlement) else what
            if settled is not None:
                told.append(settled)
        self._waiting = []
        return told
