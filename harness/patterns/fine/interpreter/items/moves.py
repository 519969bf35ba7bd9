"""The meaning of moves of items: bytes that were in one place and are now in another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from harness.patterns.fine.interpreter.items.carriers import Carriers, Change
from harness.patterns.fine.interpreter.items.deliveries import Delivery, Item, StepContext
from harness.patterns.fine.interpreter.items.leases import Leases
from harness.patterns.fine.interpreter.items.ledger import DeliveryLedger
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.keyspace.locations import LocationIndex, Place
from harness.patterns.fine.interpreter.keyspace.values import Space, Zset

#: Seconds by which a future moment is later than the step that writes it.
_AHEAD = 0.02


class MoveInterpreter:
    """Interprets a step's changes of places as deliveries, returns and ends."""

    def __init__(
        self,
        queue: bytes,
        space: Space,
        ledger: DeliveryLedger,
        learned: RoleLearner,
        leases: Leases,
    ) -> None:
        self._queue, self._space = queue, space
        self._ledger, self._learned, self._leases = ledger, learned, leases
        self._carriers = Carriers(space, ledger, learned)

    @property
    def guess(self) -> bytes | None:
        """A key where items lie in bytes that cannot be read, or None."""
        return self._carriers.guess

    def read(self, act: StepContext, before: Mapping[bytes, Mapping[Place, int]]) -> None:
        """Record all moves of a step; `before` has the values that moved, and their old places."""
        changes = {
            value: change for value, old in before.items() if (change := self._change(value, old))
        }
        self._carriers.read(act, changes)
        moved: dict[Item | bytes, Change] = {}
        for value, change in changes.items():
            items = self._ledger.all_of(value)
            if not items and change.ready > 0:
                moved[value] = change
            exact = value in self._ledger.items
            for item in items:
                if value in item.ids:
                    change.gained = [place for place in change.gained if self._holds(place)]
                item_change = change if exact and not item.ids else self._carriers.kept(change)
                moved.setdefault(item, Change()).add(item_change)
        for subject, change in moved.items():
            item = subject if isinstance(subject, Item) else self._ledger.enqueue(act, subject)
            self._learned.named(item.value)
            change.ready -= item is not subject
            if change:
                self._record_item(act, item, change)

    @property
    def _places(self) -> LocationIndex:
        return self._space.places

    def _change(self, value: bytes, old: Mapping[Place, int]) -> Change:
        new = self._places.of(value)
        ready = new.get((self._queue, b""), 0) - old.get((self._queue, b""), 0)
        return Change(ready, self._difference(old, new), self._difference(new, old))

    def _difference(self, old: Mapping[Place, int], new: Mapping[Place, int]) -> list[Place]:
        """List the places outside the queue that gained copies in `new`, once per copy."""
        return [
            place
            for place, count in new.items()
            if place[0] != self._queue
            for _ in range(count - old.get(place, 0))
        ]

    def _holds(self, place: Place) -> bool:
        return not place[1] and self._carriers.is_collection(place[0])

    def _record_item(self, act: StepContext, item: Item, change: Change) -> None:
        ready, gained = change.ready, change.gained
        emptied = self._remove_places(act, item, change.lost)
        if act.outside:
            self._seeded(act, item, ready)
            return
        if change.carried:
            self._learned.carries(gained, change.lost)
        if not ready and not gained and not emptied:
            self._settle_released(act, item, change.lost)
        for index in range(-ready):
            self._left_queue(act, item, gained[index::-ready], emptied)
        for _ in range(ready):
            self._entered_queue(act, item, emptied)
        for held in emptied:
            if change.carried and self._is_holder(act, held, gained):
                held.places = list(gained)
            elif change.lost and not gained and {key for key, _ in change.lost} <= act.expired:
                self._ledger.run_out(act, held)
            else:
                self._left_holder(act, held, gained, carried=change.carried)
        if gained and ready >= 0 and not emptied:
            self._gained_place(act, item, gained, carried=change.carried)

    def _settle_released(self, act: StepContext, item: Item, lost: list[Place]) -> None:
        """Settle an item whose id is gone while its data stay: without faults, it is done."""
        if not (lost and item.ids and self._learned.teaching):
            return
        if any(self._places.of(name) for name in item.ids):
            return
        for held in [
            delivery for delivery in item.held if delivery.places and delivery.worker == act.worker
        ]:
            keys = {key for key, _ in held.places}
            held.places.clear()
            self._learned.archives(sorted(keys))
            self._ledger.settle(act, held)

    def _is_lease(self, key: bytes) -> bool:
        return self._leases.is_deadline(key)

    def _are_processing(self, keys: Iterable[bytes]) -> bool:
        return all(self._learned.is_processing(key) for key in keys)

    def _is_holder(self, act: StepContext, held: Delivery, gained: list[Place]) -> bool:
        """Return whether the holder of the lease only replaced it where claimed items lie."""
        keys = {key for key, _ in gained}
        return (
            bool(keys)
            and self._are_processing(keys)
            and held.connection == act.connection
            and not held.returned
            and (held.until is None or held.until > act.moment)
        )

    def _remove_places(self, act: StepContext, item: Item, lost: list[Place]) -> list[Delivery]:
        """Remove lost places from the deliveries there; return the deliveries without any left."""
        emptied = []
        for place in lost:
            for entry in item.held:
                if place in entry.extra:
                    entry.extra.remove(place)
                    break
            owners = [entry for entry in item.held if place in entry.places]
            if not owners:
                continue
            # If there are equal items, a worker gives up its own one first.
            held = next((entry for entry in owners if entry.worker == act.worker), owners[0])
            held.places.remove(place)
            if self._is_main(place, item.value) and not any(
                self._is_main(entry, item.value) for entry in held.places
            ):
                # The places left are notes on it, such as of having read it: it lay in the place
                # that it lost.
                held.places, held.extra = [], [*held.extra, *held.places]
            moved = held.places and not item.is_body(place[0])
            if moved and all(item.is_body(key) for key, _ in held.places):
                # Its id goes from place to place, and its data stay where they are.
                held.places, held.extra = [], [*held.extra, *held.places]
            if not held.places and not held.in_place:
                emptied.append(held)
        return emptied

    def _is_main(self, place: Place, value: bytes) -> bool:
        """Return whether a place holds items as such: not as field names or members of a set."""
        key, sub = place
        return bool(sub) or isinstance(self._space.get(key), (deque, type(None)))

    def _seeded(self, act: StepContext, item: Item, ready: int) -> None:
        for _ in range(ready):
            self._ledger.enqueue(act, item.value)
        item.held = [delivery for delivery in item.held if delivery.places or delivery.in_place]

    def _left_queue(
        self, act: StepContext, item: Item, gained: list[Place], emptied: list[Delivery]
    ) -> None:
        """Handle an item that left the queue."""
        kept = next((delivery for delivery in item.held if delivery.in_place), None)
        if kept is not None:
            kept.in_place = False
            if kept.places:
                return
            emptied.append(kept)
            return
        held = self._ledger.deliver(act, item, list(gained))
        keys = [key for key, _ in gained]
        moving = [key for key in keys if not item.is_body(key)]
        self._learned.processing.update(dict.fromkeys(moving or keys))
        self._name_delivery(held)

    def _entered_queue(self, act: StepContext, item: Item, emptied: list[Delivery]) -> None:
        """Handle an item that came into the queue, for the first time or back."""
        delivery = emptied.pop() if emptied else None
        if delivery is None:
            own_deliveries = [
                candidate for candidate in item.held if candidate.worker == act.worker
            ]
            delivery = next(
                (
                    candidate
                    for candidate in (*own_deliveries, *item.held)
                    if not candidate.returned
                ),
                None,
            )
        if delivery is None:
            if not self._ledger.came_back(act, item):
                self._ledger.enqueue(act, item.value)
        elif delivery.places or delivery.in_place:  # it lies in both: the other half will follow
            self._ledger.free(act, delivery)
        else:
            self._ledger.put_back(act, delivery)

    def _left_holder(
        self, act: StepContext, held: Delivery, gained: list[Place], *, carried: bool
    ) -> None:
        """Handle an item that left its holder's place, and is not in the queue either."""
        keys = {key for key, _ in gained}
        is_own, claimed = held.worker == act.worker, self._are_processing(keys)
        if not gained:
            self._vanished(act, held)
        elif all(self._learned.is_source(key) and not self._is_lease(key) for key in keys):
            held.places = list(gained)
            self._ledger.free(act, held)
        elif keys & self._learned.dead.keys():
            self._ledger.settle(act, held, "dead")
        elif keys & self._learned.done.keys():
            self._ledger.settle(act, held)
        elif self._was_answered(act, held) and (claimed or not is_own):
            self._learned.processing.update(dict.fromkeys(keys))
            self._name_delivery(self._ledger.take_over(act, held, list(gained)))
        elif claimed:
            held.places = list(gained)
            self._name_delivery(held)
        elif self._is_scheduled(gained, held.item, act.moment):
            held.places = list(gained)
            self._ledger.free(act, held)
        else:
            self._set_aside(act, held, keys, carried=carried)

    def _vanished(self, act: StepContext, held: Delivery) -> None:
        """Handle an item that is nowhere any more, or only where it lay before."""
        remaining = {key for key, _ in held.extra if not self._leases.is_deadline(key)}
        remaining = {key for key in remaining if not self._learned.is_done(key)}
        if held.returned and (self._is_ready(held.item.value) or len(held.item.held) > 1):
            held.item.held.remove(held)  # the other half of returning it
        elif remaining:
            described = all(held.item.is_body(key) for key in remaining)
            self._set_aside(act, held, remaining, carried=described or remaining <= held.carried_to)
        else:
            self._ledger.settle(act, held)

    def _set_aside(
        self, act: StepContext, held: Delivery, keys: set[bytes], *, carried: bool
    ) -> None:
        """Handle an item that lies where no worker takes it: set aside, if it is there to stay."""
        lasting = {key for key in keys if self._space.ends(key) is None}
        if carried and self._learned.teaching:  # nothing failed, so this is a success's result
            self._learned.archives(sorted(keys))
            self._ledger.settle(act, held)
        elif lasting:
            self._learned.dead.update(dict.fromkeys(sorted(lasting)))
            self._ledger.settle(act, held, "dead", lasting)
        else:
            self._ledger.settle(act, held)

    def _is_ready(self, value: bytes) -> bool:
        return (self._queue, b"") in self._places.of(value)

    def _was_answered(self, act: StepContext, held: Delivery) -> bool:
        """Return whether this worker received the item; without an answer, it may have."""
        return act.group is not None and self._carriers.answered(act, held.item) is not False

    def _is_scheduled(self, gained: list[Place], item: Item, now: float) -> bool:
        """Return whether an item waits in a sorted set for a future moment."""
        zset = self._space.get(gained[0][0])
        if not isinstance(zset, Zset):
            return False
        scores = (zset.score(form) for form in (item.value, *item.forms))
        return any(score is not None and now + _AHEAD < score < 1e11 for score in scores)

    def _gained_place(
        self, act: StepContext, item: Item, gained: list[Place], *, carried: bool
    ) -> None:
        """Handle an item that lies in one more place."""
        keys = dict.fromkeys(key for key, _ in gained)
        own_delivery = next(
            (delivery for delivery in item.held if delivery.worker == act.worker), None
        )
        if own_delivery is not None:
            own_delivery.extra += gained
            if carried:
                own_delivery.carried_to.update(keys)
        elif carried and self._learned.teaching:
            self._learned.writes(keys)
        elif self._any_lasts(keys) and self._ledger.set_aside(act, item, keys):
            self._learned.dead.update(keys)
        elif carried:
            return
        elif item.last is not None and item.last.worker == act.worker and not item.held:
            self._learned.processing.update(keys)
            self._ledger.revive(item.last, gained)
        elif self._is_revived(act, item, gained):
            self._name_delivery(self._ledger.deliver(act, item, gained))

    def _any_lasts(self, keys: Iterable[bytes]) -> bool:
        """Return whether one of the keys stays; one that expires is gone before an inspection."""
        return any(self._space.ends(key) is None for key in keys)

    def _is_revived(self, act: StepContext, item: Item, gained: list[Place]) -> bool:
        """Return whether a worker holds an item that was settled, and that it knew before."""
        if item.held or act.group is None or act.answer_has(item.value) is False:
            return False
        return self._are_processing(key for key, _ in gained)

    def _name_delivery(self, held: Delivery) -> None:
        """Name a delivery by its token: the field, if a hash has the item.

        If each item has a hash of its own, all hashes have the same fields; there the token is the
        id in the key's name.
        """
        for key, sub in held.places:
            if sub:
                ids = [item_id for item_id in held.item.ids if item_id in key]
                self._ledger.name(held, ids[-1] if ids else sub)
                return
