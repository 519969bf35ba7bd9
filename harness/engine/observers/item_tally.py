"""Counts the items of a run in progress: for a person who waits, not for the judge."""

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
        self._held_items: set[Payload] = set()
        self._seen_items: set[Payload] = set()
        self._redelivered: set[Payload] = set()

    @property
    def figures(self) -> tuple[int, int, int, int]:
        """Numbers of items that were seeded, are done, are held, and were redelivered."""
        return self.seeded, self.done, len(self._held_items), len(self._redelivered)

    def count(self, what: Observation) -> bool:
        """Count an event; return whether the figures changed."""
        before = self.figures
        self._apply(what)
        return self.figures != before

    def _apply(self, what: Observation) -> None:
        if isinstance(what, ItemEnqueued):
            self.seeded += 1
        elif isinstance(what, ItemDelivered):
            self._delivered(what)
        elif isinstance(what, ItemLeased):
            self._held_items.add(what.item)
        elif isinstance(what, ItemSettled):
            self._settled(what)
        elif isinstance(what, ItemReturned | LeaseExpired):
            self._held_items.discard(what.item)
        elif isinstance(what, ItemReclaimed):
            self._held_items.discard(what.item)
            self._redelivered.add(what.item)

    def _delivered(self, what: ItemDelivered) -> None:
        if what.item in self._seen_items:
            self._redelivered.add(what.item)
        self._seen_items.add(what.item)
        if what.final:
            self.done += 1
        else:
            self._held_items.add(what.item)

    def _settled(self, what: ItemSettled) -> None:
        if what.effective is not False:
            self._held_items.discard(what.item)
            self.done += 1
