"""How far the items of a run are while it goes on: for a person who waits, not to judge by."""

from __future__ import annotations

from harness.history import (
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    LeaseExpired,
    Observation,
    Payload,
)


class ItemTally:
    """Counts items by what the broker is seen to do with them."""

    def __init__(self) -> None:
        self.seeded = self.done = 0
        self._held: set[Payload] = set()
        self._given: set[Payload] = set()
        self._again: set[Payload] = set()

    @property
    def figures(self) -> tuple[int, int, int, int]:
        """Items that were seeded, are done, are held, and were given once more after a loss."""
        return self.seeded, self.done, len(self._held), len(self._again)

    def count(self, what: Observation) -> bool:
        """Take an event in; whether it changed the figures."""
        before = self.figures
        self._take(what)
        return self.figures != before

    def _take(self, what: Observation) -> None:
        if isinstance(what, ItemEnqueued):
            self.seeded += 1
        elif isinstance(what, ItemDelivered):
            self._delivered(what)
        elif isinstance(what, ItemLeased):
            self._held.add(what.item)
        elif isinstance(what, ItemSettled):
            self._settled(what)
        elif isinstance(what, ItemReturned | LeaseExpired):
            self._held.discard(what.item)
        elif isinstance(what, ItemReclaimed):
            self._held.discard(what.item)
            self._again.add(what.item)

    def _delivered(self, what: ItemDelivered) -> None:
        if what.item in self._given:
            self._again.add(what.item)
        self._given.add(what.item)
        if what.final:
            self.done += 1
        else:
            self._held.add(what.item)

    def _settled(self, what: ItemSettled) -> None:
        if what.effective is not False:
            self._held.discard(what.item)
            self.done += 1
