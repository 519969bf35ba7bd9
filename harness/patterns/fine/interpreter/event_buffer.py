"""Events on their way out: put in order by their moments, and kept while one is undecided."""

from __future__ import annotations

from operator import itemgetter

from harness.history import What
from harness.patterns.fine.interpreter.items.deliveries import Undecided

_moment = itemgetter(0)


class Outbox:
    """What has happened, and has not been told yet. Moments are seconds since the start."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, What | Undecided]] = []

    @property
    def empty(self) -> bool:
        return not self._waiting

    def put(self, at: float, what: What | Undecided) -> None:
        self._waiting.append((at, what))

    def pull(self, until: float) -> list[What]:
        """All up to this moment, or up to the first that is undecided."""
        self._waiting.sort(key=_moment)  # of the same moment, in the order of coming
        told: list[What] = []
        for index, (at, what) in enumerate(self._waiting):
            if at > until or (isinstance(what, Undecided) and not what.decided):
                del self._waiting[:index]
                return told
            settled = what.what if isinstance(what, Undecided) else what
            if settled is not None:
                told.append(settled)
        self._waiting = []
        return told
