"""Who has which item: the book in which each step of Redis is entered, and the events of it."""

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

#: Stands for a connection where it is not known which; real ones count from 1.
NOBODY = 0


class DeliveryLedger:
    """Enters what happens to items; all events are made here."""

    def __init__(self, queue: str, epoch: float) -> None:
        self._queue, self._epoch = queue, epoch
        self.items: dict[bytes, Item] = {}
        #: Values that carry items in other bytes than their own.
        self._carried: dict[bytes, tuple[Item, ...]] = {}
        #: Tokens, of live deliveries and of former ones.
        self.tokens: dict[bytes, Delivery] = {}
        #: What each worker was given last.
        self.given: dict[str, Delivery] = {}
        self._undecided: list[PendingSettlement] = []

    def all_of(self, value: bytes) -> tuple[Item, ...]:
        """The items that a value is, or carries."""
        item = self.items.get(value)
        return self._carried.get(value, ()) if item is None else (item,)

    def item_of(self, value: bytes) -> Item | None:
        """The same where one is enough."""
        return next(iter(self.all_of(value)), None)

    def carry(self, value: bytes, items: Iterable[Item]) -> None:
        """From now on a value stands for items."""
        self._carried[value] = tuple(items)
        for item in self._carried[value]:
            item.forms.setdefault(value)

    def just_taken(self, worker: str) -> list[Item]:
        """What a worker has taken away, where it is open whether for good."""
        return [one.held.item for one in self._undecided if one.act.worker == worker]

    # -- one by one ---------------------------------------------------------------------------

    def enqueue(self, act: StepContext, value: bytes) -> Item:
        item = self.items.get(value)
        if item is None:
            item = self.items[value] = Item(value, payload(value))
        if item.removed:  # this is the other half of that
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
        """Somebody gets an item; the event comes with `close`, when its lease is known, too."""
        held = Delivery(item, act.connection, act.worker, places, in_place=in_place)
        item.held.append(held)
        item.had.add(act.worker)
        act.new.append(held)
        self.given[act.worker] = held
        return held

    def name(self, held: Delivery, token: bytes) -> None:
        """A delivery has a token by which it is known."""
        held.token = token
        self.tokens[token] = held

    def take_over(self, act: StepContext, old: Delivery, places: list[Place]) -> Delivery:
        """Somebody gets an item that another one has, or had."""
        if not old.returned:
            self._reclaimed(act, old)
        self._over(old)
        held = self.deliver(act, old.item, places, in_place=old.in_place)
        held.extra = old.extra
        return held

    def put_back(self, act: StepContext, held: Delivery) -> None:
        """An item is ready again; who has put it there may be its holder or not."""
        self.free(act, held)
        self._over(held)

    def free(self, act: StepContext, held: Delivery) -> None:
        """Others may have an item, though it still lies where it lay."""
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
        """Nobody will get this item any more; `aside` are the keys where it lies for good."""
        token = _text(self._token(act, held))
        what = ItemSettled(held.item.payload, act.connection, how, token, at=act.at)
        if how == "acked" and act.connection is not None and act.worker not in held.item.had:
            what = msgspec.structs.replace(what, by_holder=False)
            held.item.removed += 1
        if held in act.new:  # taken for good, all in one step: the delivery says so
            act.new.remove(held)
        self._over(held)
        open_ = how == "acked" and act.group is not None and act.group.plain
        if open_ or aside:
            one = PendingSettlement(held, act, what, aside=set(aside))
            self._undecided.append(one)
            act.events.append(one)
            act.settled = act.settled or not open_
        else:
            act.events.append(what)
            act.settled = True

    def run_out(self, act: StepContext, held: Delivery) -> None:
        """The key in which it lay has come to its end: nobody has, or will get, this item."""
        what = ItemSettled(held.item.payload, None, "expired", at=act.at, by_holder=False)
        self._over(held)
        act.events.append(what)

    def fail_to_settle(self, act: StepContext, held: Delivery) -> None:
        """Somebody has wanted to settle an item, and it was too late."""
        token = _text(held.token)
        what = ItemSettled(held.item.payload, act.connection, "acked", token, False, act.at)
        act.events.append(what)

    def lease(
        self,
        act: StepContext,
        held: Delivery,
        until: float,
        at: float | None = None,
        connection: int | None = None,
    ) -> None:
        """Its holder has a lease until then (seconds since 1970), a first one or a longer one.

        `at` (seconds since the start) where it was written before this step, and was not known as
        a lease; `connection` where another one has shown that.
        """
        first = not held.leased
        held.until, held.leased, held.returned = until, True, False
        if not held.new:
            act.renewed = act.renewed or not (first or at is not None)
            own = held.connection if at is not None and connection is None else connection
            event = self._leased(act, held)
            if at is not None:
                event = msgspec.structs.replace(event, at=at, connection=own or NOBODY)
            act.events.append(event)

    def revive(self, held: Delivery, places: list[Place]) -> None:
        """What was taken for good is kept after all, by a second command."""
        held.places += places
        held.item.held.append(held)
        held.item.last = None

    def expire(self, act: StepContext, held: Delivery) -> None:
        """Redis has let a lease end; it removes the key some time after that."""
        if held.until is not None:
            at = min(act.at, held.until - self._epoch)
            held.until = None
            act.events.append(LeaseExpired(held.item.payload, _text(held.token), at))

    def again(self, act: StepContext, held: Delivery) -> None:
        """The same delivery once more: the answer had been lost."""
        held.connection, held.worker = act.connection, act.worker
        held.item.had.add(act.worker)
        act.new.append(held)

    # -- a step as a whole --------------------------------------------------------------------

    def close(self, act: StepContext) -> list[Observation | PendingSettlement]:
        """The events of a step that is over."""
        for held in act.new:
            act.events.append(self._delivered(act, held))
            held.new = False
            if not held.places and not held.in_place:
                self._over(held)
        return act.events

    def came_back(self, act: StepContext, item: Item) -> bool:
        """Whether the same worker took this item away just now, which is decided with that."""
        one = self._taken_away(act, item)
        if one is None:
            return False
        if one.what is not None and not one.what.by_holder:
            item.removed -= 1
        one.what = None
        one.held.returned = False
        self.free(act, one.held)
        return True

    def _taken_away(self, act: StepContext, item: Item) -> PendingSettlement | None:
        for one in self._undecided:
            if one.held.item is item and one.act.worker == act.worker and not one.aside:
                one.decided = True
                self._undecided.remove(one)
                return one
        return None

    def set_aside(self, act: StepContext, item: Item, keys: Iterable[bytes]) -> bool:
        """The same, of an item that has come to a place for the dead."""
        for one in self._undecided:
            if one.held.item is item and one.act.worker == act.worker and one.what is not None:
                one.what = msgspec.structs.replace(one.what, how="dead")
                one.aside.update(keys)
                return True
        return False

    def expires(self, key: bytes) -> None:
        """What lies there will go by itself: nobody finds it who looks later."""
        for one in self._undecided:
            one.aside.discard(key)
            if one.what is not None and one.what.how == "dead" and not one.aside:
                one.what = msgspec.structs.replace(one.what, how="acked")

    def another_command(self, worker: str) -> list[StepContext]:
        """A worker has come with another command; the acts that have settled an item with that."""
        if worker in self.given:
            self.given[worker].commands += 1
        for one in self._undecided:
            one.commands -= one.act.worker == worker
        return self._decide()

    def another_batch(self, moment: float) -> list[StepContext]:
        """Nothing more comes from before this moment; the acts that have settled an item."""
        for one in self._undecided:
            one.batches -= BATCHES if moment == inf or one.act.gone(moment) else 1
        return self._decide()

    def _decide(self) -> list[StepContext]:
        if not self._undecided:
            return []
        for one in self._undecided:
            one.decided = one.commands <= 0 or one.batches <= 0
        done = [
            one.act
            for one in self._undecided
            if one.decided and one.what is not None and one.what.how == "acked"
        ]
        self._undecided = [one for one in self._undecided if not one.decided]
        return done

    def lose(self) -> None:
        """All that was there is lost; what was given before is known as that."""
        for item in self.items.values():
            for held in list(item.held):
                self._over(held)
        self._undecided.clear()

    # -- words --------------------------------------------------------------------------------

    def _token(self, act: StepContext, held: Delivery) -> bytes:
        """Of the delivery that a worker means: its own one, if it ever had the item."""
        own = self.given.get(act.worker)
        return own.token if own is not None and own.item is held.item else held.token

    def _over(self, held: Delivery) -> None:
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
        """Another one puts an item back, or takes it; with leave, if there is no lease any more."""
        token = _text(held.token)
        if held.dropped is not None and held.worker != act.worker:
            act.events.append(LeaseExpired(held.item.payload, token, held.dropped))
        act.events.append(ItemReclaimed(held.item.payload, act.connection, token, act.at))


def _text(token: bytes) -> str:
    return token.decode(errors="backslashreplace")
