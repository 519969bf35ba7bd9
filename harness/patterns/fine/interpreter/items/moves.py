"""What it means that items have moved: bytes that were in one place and are in another."""

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

#: Seconds by which a moment to come is later than the step that writes it.
_AHEAD = 0.02


class MoveInterpreter:
    """Reads a step's changes of places as deliveries, returns and ends."""

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
        """Where items lie in bytes that cannot be read, if they do."""
        return self._carriers.guess

    def read(self, act: StepContext, before: Mapping[bytes, Mapping[Place, int]]) -> None:
        """Enter all moves of a step; `before` has the values that moved, and where they were."""
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
                    change.gained = [one for one in change.gained if self._holds(one)]
                told = change if exact and not item.ids else self._carriers.kept(change)
                moved.setdefault(item, Change()).add(told)
        for what, change in moved.items():
            item = what if isinstance(what, Item) else self._ledger.enqueue(act, what)
            self._learned.named(item.value)
            change.ready -= item is not what
            if change:
                self._one(act, item, change)

    @property
    def _places(self) -> LocationIndex:
        return self._space.places

    def _change(self, value: bytes, old: Mapping[Place, int]) -> Change:
        new = self._places.of(value)
        ready = new.get((self._queue, b""), 0) - old.get((self._queue, b""), 0)
        return Change(ready, self._difference(old, new), self._difference(new, old))

    def _difference(self, old: Mapping[Place, int], new: Mapping[Place, int]) -> list[Place]:
        """The places outside the queue where it is more often in `new`, as often as it is."""
        return [
            place
            for place, count in new.items()
            if place[0] != self._queue
            for _ in range(count - old.get(place, 0))
        ]

    def _holds(self, place: Place) -> bool:
        return not place[1] and self._carriers.is_collection(place[0])

    def _one(self, act: StepContext, item: Item, change: Change) -> None:
        ready, gained = change.ready, change.gained
        emptied = self._lose(act, item, change.lost)
        if act.outside:
            self._seeded(act, item, ready)
            return
        if change.carried:
            self._learned.carries(gained, change.lost)
        if not ready and not gained and not emptied:
            self._released(act, item, change.lost)
        for index in range(-ready):
            self._taken(act, item, gained[index::-ready], emptied)
        for _ in range(ready):
            self._ready(act, item, emptied)
        for held in emptied:
            if change.carried and self._is_holder(act, held, gained):
                held.places = list(gained)
            elif change.lost and not gained and {key for key, _ in change.lost} <= act.expired:
                self._ledger.run_out(act, held)
            else:
                self._left(act, held, gained, carried=change.carried)
        if gained and ready >= 0 and not emptied:
            self._kept(act, item, gained, carried=change.carried)

    def _released(self, act: StepContext, item: Item, lost: list[Place]) -> None:
        """Its id is nowhere any more, and what it names stays: where nothing fails, it is done."""
        if not (lost and item.ids and self._learned.teaching):
            return
        if any(self._places.of(name) for name in item.ids):
            return
        for held in [one for one in item.held if one.places and one.worker == act.worker]:
            keys = {key for key, _ in held.places}
            held.places.clear()
            self._learned.archives(sorted(keys))
            self._ledger.settle(act, held)

    def _is_lease(self, key: bytes) -> bool:
        return self._leases.is_deadline(key)

    def _lie_with_claims(self, keys: Iterable[bytes]) -> bool:
        return all(self._learned.is_processing(key) for key in keys)

    def _is_holder(self, act: StepContext, held: Delivery, gained: list[Place]) -> bool:
        """Whether it was only exchanged, where claimed items lie, by who has a lease on it."""
        keys = {key for key, _ in gained}
        return (
            bool(keys)
            and self._lie_with_claims(keys)
            and held.connection == act.connection
            and not held.returned
            and (held.until is None or held.until > act.moment)
        )

    def _lose(self, act: StepContext, item: Item, lost: list[Place]) -> list[Delivery]:
        """Take places away from who has the item there; who has nothing left then."""
        emptied = []
        for place in lost:
            for one in item.held:
                if place in one.extra:
                    one.extra.remove(place)
                    break
            owners = [one for one in item.held if place in one.places]
            if not owners:
                continue
            # Of equal items a worker gives up its own one first.
            held = next((one for one in owners if one.worker == act.worker), owners[0])
            held.places.remove(place)
            if self._is_main(place, item.value) and not any(
                self._is_main(one, item.value) for one in held.places
            ):
                # What is left are notes on it, as of having seen it: it lay where it was taken.
                held.places, held.extra = [], [*held.extra, *held.places]
            moves = held.places and not item.is_body(place[0])
            if moves and all(item.is_body(key) for key, _ in held.places):
                # Its id goes from place to place, and its data stay where they are.
                held.places, held.extra = [], [*held.extra, *held.places]
            if not held.places and not held.in_place:
                emptied.append(held)
        return emptied

    def _is_main(self, place: Place, value: bytes) -> bool:
        """Whether a place has items as such: no names of fields, no members of a set."""
        key, sub = place
        return bool(sub) or isinstance(self._space.get(key), (deque, type(None)))

    def _seeded(self, act: StepContext, item: Item, ready: int) -> None:
        for _ in range(ready):
            self._ledger.enqueue(act, item.value)
        item.held = [one for one in item.held if one.places or one.in_place]

    def _taken(
        self, act: StepContext, item: Item, gained: list[Place], emptied: list[Delivery]
    ) -> None:
        """It has left the queue."""
        kept = next((one for one in item.held if one.in_place), None)
        if kept is not None:
            kept.in_place = False
            if kept.places:
                return
            emptied.append(kept)
            return
        held = self._ledger.deliver(act, item, list(gained))
        lie = [key for key, _ in gained]
        moving = [key for key in lie if not item.is_body(key)]
        self._learned.processing.update(dict.fromkeys(moving or lie))
        self._name(held)

    def _ready(self, act: StepContext, item: Item, emptied: list[Delivery]) -> None:
        """It has come into the queue: for the first time, or back."""
        back = emptied.pop() if emptied else None
        if back is None:
            mine = [one for one in item.held if one.worker == act.worker]
            back = next((one for one in (*mine, *item.held) if not one.returned), None)
        if back is None:
            if not self._ledger.came_back(act, item):
                self._ledger.enqueue(act, item.value)
        elif back.places or back.in_place:  # and lies in both: the other half will follow
            self._ledger.free(act, back)
        else:
            self._ledger.put_back(act, back)

    def _left(
        self, act: StepContext, held: Delivery, gained: list[Place], *, carried: bool
    ) -> None:
        """It is no more where somebody had it, and not in the queue either."""
        keys = {key for key, _ in gained}
        mine, claimed = held.worker == act.worker, self._lie_with_claims(keys)
        if not gained:
            self._gone(act, held)
        elif all(self._learned.is_source(key) and not self._is_lease(key) for key in keys):
            held.places = list(gained)
            self._ledger.free(act, held)
        elif keys & self._learned.dead.keys():
            self._ledger.settle(act, held, "dead")
        elif keys & self._learned.done.keys():
            self._ledger.settle(act, held)
        elif self._given(act, held) and (claimed or not mine):
            self._learned.processing.update(dict.fromkeys(keys))
            self._name(self._ledger.take_over(act, held, list(gained)))
        elif claimed:
            held.places = list(gained)
            self._name(held)
        elif self._later(gained, held.item, act.moment):
            held.places = list(gained)
            self._ledger.free(act, held)
        else:
            self._bury(act, held, keys, carried=carried)

    def _gone(self, act: StepContext, held: Delivery) -> None:
        """It is nowhere any more, or only where it has come to lie before."""
        rest = {key for key, _ in held.extra if not self._leases.is_deadline(key)}
        rest = {key for key in rest if not self._learned.is_done(key)}
        if held.returned and (self._is_ready(held.item.value) or len(held.item.held) > 1):
            held.item.held.remove(held)  # the other half of putting it back
        elif rest:
            described = all(held.item.is_body(key) for key in rest)
            self._bury(act, held, rest, carried=described or rest <= held.carried_to)
        else:
            self._ledger.settle(act, held)

    def _bury(self, act: StepContext, held: Delivery, keys: set[bytes], *, carried: bool) -> None:
        """It lies where nobody takes it from: set aside, if it is there to stay."""
        lasting = {key for key in keys if self._space.ends(key) is None}
        if carried and self._learned.teaching:  # nothing has failed, so this came of a success
            self._learned.archives(sorted(keys))
            self._ledger.settle(act, held)
        elif lasting:
            self._learned.dead.update(dict.fromkeys(sorted(lasting)))
            self._ledger.settle(act, held, "dead", lasting)
        else:
            self._ledger.settle(act, held)

    def _is_ready(self, value: bytes) -> bool:
        return (self._queue, b"") in self._places.of(value)

    def _given(self, act: StepContext, held: Delivery) -> bool:
        """Whether this worker was given the item; without an answer it may have been."""
        return act.group is not None and self._carriers.answered(act, held.item) is not False

    def _later(self, gained: list[Place], item: Item, now: float) -> bool:
        """Whether it waits in a sorted set for a moment to come."""
        zset = self._space.get(gained[0][0])
        if not isinstance(zset, Zset):
            return False
        scores = (zset.score(form) for form in (item.value, *item.forms))
        return any(score is not None and now + _AHEAD < score < 1e11 for score in scores)

    def _kept(self, act: StepContext, item: Item, gained: list[Place], *, carried: bool) -> None:
        """It has come to lie in one more place."""
        keys = dict.fromkeys(key for key, _ in gained)
        mine = next((one for one in item.held if one.worker == act.worker), None)
        if mine is not None:
            mine.extra += gained
            if carried:
                mine.carried_to.update(keys)
        elif carried and self._learned.teaching:
            self._learned.writes(keys)
        elif self._lasting(keys) and self._ledger.set_aside(act, item, keys):
            self._learned.dead.update(keys)
        elif carried:
            return
        elif item.last is not None and item.last.worker == act.worker and not item.held:
            self._learned.processing.update(keys)
            self._ledger.revive(item.last, gained)
        elif self._risen(act, item, gained):
            self._name(self._ledger.deliver(act, item, gained))

    def _lasting(self, keys: Iterable[bytes]) -> bool:
        """Whether they stay: what goes by itself is no place where somebody looks later."""
        return any(self._space.ends(key) is None for key in keys)

    def _risen(self, act: StepContext, item: Item, gained: list[Place]) -> bool:
        """It was settled, and is somebody's nevertheless, who had known of it before."""
        if item.held or act.group is None or act.answer_has(item.value) is False:
            return False
        return self._lie_with_claims(key for key, _ in gained)

    def _name(self, held: Delivery) -> None:
        """Where a hash has the item, the field is the token of this delivery.

        A hash for each item has the same fields as the others: there it is the id in its name.
        """
        for key, sub in held.places:
            if sub:
                ids = [one for one in held.item.ids if one in key]
                self._ledger.name(held, ids[-1] if ids else sub)
                return
