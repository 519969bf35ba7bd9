"""The ledger of items and their holders: it records each step of Redis and makes events."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Literal

import msgspec

from harness.history import (
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    LeaseExpired,
    Observation,
    payload,
)
from harness.patterns.fine.interpreter.items.deliveries import (
    BATCHES,
    Delivery,
    Item,
    PendingSettlement,
    StepContext,
)
from harness.patterns.fine.interpreter.keyspace.locations import Place

#: Stands for an unknown connection; real connections count from 1.
NOBODY = 0


class DeliveryLedger:
    """Records what happens to items; it makes all events about them."""

    def __init__(self, queue: str, epoch: float) -> None:
        self._queue, self._epoch = queue, epoch
        self.items: dict[bytes, Item] = {}
        #: Values that carry items in other bytes than their own.
        self._carried: dict[bytes, tuple[Item, ...]] = {}
        #: Tokens of live deliveries and of former ones.
        self.tokens: dict[bytes, Delivery] = {}
        #: Worker → the last delivery that it received.
        self.given: dict[str, Delivery] = {}
        self._undecided: list[PendingSettlement] = []

    def all_of(self, value: bytes) -> tuple[Item, ...]:
        """Return the items that a value is, or carries."""
        item = self.items.get(value)
        return self._carried.get(value, ()) if item is None else (item,)

    def item_of(self, value: bytes) -> Item | None:
        """Return the first item that a value is, or carries."""
        return next(iter(self.all_of(value)), None)

    def carry(self, value: bytes, items: Iterable[Item]) -> None:
        """Record that a value stands for items from now on."""
        self._carried[value] = tuple(items)
        for item in self._carried[value]:
            item.forms.setdefault(value)

    def just_taken(self, worker: str) -> list[Item]:
        """Return the items that a worker removed, as long as it is open whether for good."""
        return [pending.held.item for pending in self._undecided if pending.act.worker == worker]

    # -- single items -------------------------------------------------------------------------

    def enqueue(self, act: StepContext, value: bytes) -> Item:
        item = self.items.get(value)
        if item is None:
            item = self.items[value] = Item(value, payload(value))
        if item.removed:  # the other half of that removal
            item.removed -= 1
        else:
            item.enqueued += 1
        act.fresh.add(value)
        at = None if act.connection is None else act.at
        act.events.append(ItemEnqueued(item.payload, self._queue, act.connection, at))
        return item

    def deliver(
        self, act: StepContext, item: Item, places: list[Place], *, in_place: bool = False
    ) -> Delivery:
        """Deliver an item to a worker.

        `close` makes the event: by then its lease is known, too.
        """
        held = Delivery(item, act.connection, act.worker, places, in_place=in_place)
        item.held.append(held)
        item.had.add(act.worker)
        act.new.append(held)
        self.given[act.worker] = held
        return held

    def name(self, held: Delivery, token: bytes) -> None:
        """Record the token by which a delivery is known."""
        held.token = token
        self.tokens[token] = held

    def take_over(self, act: StepContext, old: Delivery, places: list[Place]) -> Delivery:
        """Deliver an item that another worker has, or had."""
        if not old.returned:
            self._reclaimed(act, old)
        self._end_delivery(old)
        held = self.deliver(act, old.item, places, in_place=old.in_place)
        held.extra = old.extra
        return held

    def put_back(self, act: StepContext, held: Delivery) -> None:
        """Make an item ready again; its holder or another worker put it there."""
        self.free(act, held)
        self._end_delivery(held)

    def free(self, act: StepContext, held: Delivery) -> None:
        """Make an item available to others, though it still lies where it lay."""
        if held.returned:
            return
        held.returned = True
        if held.worker == act.worker:
            token = _text(held.token)
            event = ItemReturned(held.item.payload, act.connection, token, act.at)
            act.events.append(event)
            act.gave_back = True
        else:
            self._reclaimed(act, held)

    def settle(
        self,
        act: StepContext,
        held: Delivery,
        how: Literal["acked", "dead"] = "acked",
        aside: Iterable[bytes] = (),
    ) -> None:
        """Settle an item: no worker will receive it any more.

        `aside` are the keys where it lies for good.
        """
        token = _text(self._token_of(act, held))
        event = ItemSettled(held.item.payload, act.connection, how, token, at=act.at)
        if how == "acked" and act.connection is not None and act.worker not in held.item.had:
            event = msgspec.structs.replace(event, by_holder=False)
            held.item.removed += 1
        if held in act.new:  # taken for good, all in one step: the delivery event shows it
            act.new.remove(held)
        self._end_delivery(held)
        undecided = how == "acked" and act.group is not None and act.group.plain
        if undecided or aside:
            pending = PendingSettlement(held, act, event, aside=set(aside))
            self._undecided.append(pending)
            act.events.append(pending)
            act.settled = act.settled or not undecided
        else:
            act.events.append(event)
            act.settled = True

    def run_out(self, act: StepContext, held: Delivery) -> None:
        """End a delivery whose key expired: no worker has the item, or will receive it."""
        event = ItemSettled(held.item.payload, None, "expired", at=act.at, by_holder=False)
        self._end_delivery(held)
        act.events.append(event)

    def fail_to_settle(self, act: StepContext, held: Delivery) -> None:
        """Record that a worker tried to settle an item too late."""
        token = _text(held.token)
        event = ItemSettled(held.item.payload, act.connection, "acked", token, False, act.at)
        act.events.append(event)

    def lease(
        self,
        act: StepContext,
        held: Delivery,
        until: float,
        at: float | None = None,
        connection: int | None = None,
    ) -> None:
        """Record that the holder has a lease, a first one or a longer one.

        Args:
            act: The step that shows the lease.
            held: The delivery that is leased.
            until: End of the lease, in seconds since 1970.
            at: When the lease was written (seconds since the start), if that was before this step
                and it was not known as a lease then.
            connection: The connection that showed the lease, if it is not the holder's.
        """
        first = not held.leased
        held.until, held.leased, held.returned = until, True, False
        if not held.new:
            act.renewed = act.renewed or not (first or at is not None)
            owner = held.connection if at is not None and connection is None else connection
            event = self._leased(act, held)
            if at is not None:
                event = msgspec.structs.replace(event, at=at, connection=owner or NOBODY)
            act.events.append(event)

    def revive(self, held: Delivery, places: list[Place]) -> None:
        """Keep an item that seemed taken for good: a second command stored it."""
        held.places += places
        held.item.held.append(held)
        held.item.last = None

    def expire(self, act: StepContext, held: Delivery) -> None:
        """Record that Redis let a lease end; it removes the key some time after that."""
        if held.until is not None:
            at = min(act.at, held.until - self._epoch)
            held.until = None
            act.events.append(LeaseExpired(held.item.payload, _text(held.token), at))

    def again(self, act: StepContext, held: Delivery) -> None:
        """Record the same delivery once more: its first answer was lost."""
        held.connection, held.worker = act.connection, act.worker
        held.item.had.add(act.worker)
        act.new.append(held)

    # -- complete steps -----------------------------------------------------------------------

    def close(self, act: StepContext) -> list[Observation | PendingSettlement]:
        """Return the events of a step that is over."""
        for held in act.new:
            act.events.append(self._delivered(act, held))
            held.new = False
            if not held.places and not held.in_place:
                self._end_delivery(held)
        return act.events

    def came_back(self, act: StepContext, item: Item) -> bool:
        """Return whether the same worker removed this item just now, and decide that removal."""
        pending = self._pop_removal(act, item)
        if pending is None:
            return False
        if pending.what is not None and not pending.what.by_holder:
            item.removed -= 1
        pending.what = None
        pending.held.returned = False
        self.free(act, pending.held)
        return True

    def _pop_removal(self, act: StepContext, item: Item) -> PendingSettlement | None:
        for pending in self._undecided:
            if pending.held.item is item and pending.act.worker == act.worker and not pending.aside:
                pending.decided = True
                self._undecided.remove(pending)
                return pending
        return None

    def set_aside(self, act: StepContext, item: Item, keys: Iterable[bytes]) -> bool:
        """Turn the same worker's removal of an item into "dead": it came to a dead-letter key."""
        for pending in self._undecided:
            if (
                pending.held.item is item
                and pending.act.worker == act.worker
                and pending.what is not None
            ):
                pending.what = msgspec.structs.replace(pending.what, how="dead")
                pending.aside.update(keys)
                return True
        return False

    def expires(self, key: bytes) -> None:
        """Record that a key expires: an item there is gone before a later inspection."""
        for pending in self._undecided:
            pending.aside.discard(key)
            if pending.what is not None and pending.what.how == "dead" and not pending.aside:
                pending.what = msgspec.structs.replace(pending.what, how="acked")

    def another_command(self, worker: str) -> list[StepContext]:
        """Count a worker's next command; return the steps that settled an item with that."""
        if worker in self.given:
            self.given[worker].commands += 1
        for pending in self._undecided:
            pending.commands -= pending.act.worker == worker
        return self._decide()

    def another_batch(self, moment: float) -> list[StepContext]:
        """Record that all before this moment is known; return the steps that settled an item."""
        for pending in self._undecided:
            pending.batches -= BATCHES if moment == inf or pending.act.gone(moment) else 1
        return self._decide()

    def _decide(self) -> list[StepContext]:
        if not self._undecided:
            return []
        for pending in self._undecided:
            pending.decided = pending.commands <= 0 or pending.batches <= 0
        steps = [
            pending.act
            for pending in self._undecided
            if pending.decided and pending.what is not None and pending.what.how == "acked"
        ]
        self._undecided = [pending for pending in self._undecided if not pending.decided]
        return steps

    def lose(self) -> None:
        """End all deliveries, because Redis lost its data; former deliveries stay known."""
        for item in self.items.values():
            for held in list(item.held):
                self._end_delivery(held)
        self._undecided.clear()

    # -- events -------------------------------------------------------------------------------

    def _token_of(self, act: StepContext, held: Delivery) -> bytes:
        """Return the token of the worker's own delivery, if it ever had the item."""
        current = self.given.get(act.worker)
        return current.token if current is not None and current.item is held.item else held.token

    def _end_delivery(self, held: Delivery) -> None:
        if held in held.item.held:
            held.item.held.remove(held)
        held.item.last = held

    def _delivered(self, act: StepContext, held: Delivery) -> ItemDelivered:
        item = held.item
        item.given += 1
        return ItemDelivered(
            item.payload,
            act.connection or NOBODY,
            _text(held.token),
            None if held.until is None else held.until - self._epoch,
            final=not held.places and not held.in_place,
            redelivered=item.given > item.enqueued,
            at=act.at,
        )

    def _leased(self, act: StepContext, held: Delivery) -> ItemLeased:
        assert held.until is not None
        connection = act.connection or NOBODY
        until = held.until - self._epoch
        return ItemLeased(held.item.payload, connection, _text(held.token), until, act.at)

    def _reclaimed(self, act: StepContext, held: Delivery) -> None:
        """Record that another worker returns an item, or takes it.

        If the holder dropped its lease before, the lease's end is recorded first.
        """
        token = _text(held.token)
        if held.dropped is not None and held.worker != act.worker:
            act.events.append(LeaseExpired(held.item.payload, token, held.dropped))
        act.events.append(ItemReclaimed(held.item.payload, act.connection, token, act.at))


def _text(token: bytes) -> str:
    return token.decode(errors="backslashreplace")
