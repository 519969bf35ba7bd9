"""Values that carry items in other bytes than their own: envelopes, encodings, or an id.

If a value arrives while an item leaves, in one step, the item may be kept as that value from then
on. If the item can be read in the value, that is proof. If nothing can be read, it is a guess, and
the run reports it as one.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.patterns.fine.interpreter.items.deliveries import ID_PART, Item, StepContext
from harness.patterns.fine.interpreter.items.item_names import Names
from harness.patterns.fine.interpreter.items.ledger import DeliveryLedger
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.keyspace.locations import Place
from harness.patterns.fine.interpreter.keyspace.values import Space, Zset
from harness.tap.content import found

#: A shorter value that cannot be read is a state or a number, and stands for no item.
_SHORTEST_ID = 6
_NUMBER = re.compile(rb"[-+0-9.,:eTZ ]*")
#: With more items than this, only the items of the current step are searched for.
_MANY = 300


@dataclass(slots=True, eq=False)
class Change:
    """The changes of one step for one value, or for one item in all its forms."""

    ready: int = 0
    gained: list[Place] = field(default_factory=list)
    lost: list[Place] = field(default_factory=list)
    #: Some of the changes are about values that are not the item's own bytes.
    carried: bool = False

    def __bool__(self) -> bool:
        return bool(self.ready or self.gained or self.lost)

    def add(self, other: Change) -> None:
        """Add the changes of the same item in one more form."""
        self.ready += other.ready
        self.gained += other.gained
        self.lost += other.lost
        self.carried = self.carried or other.carried


class Carriers:
    """Finds the items that are carried by the values that a step moved."""

    def __init__(self, space: Space, ledger: DeliveryLedger, learned: RoleLearner) -> None:
        self._space, self._ledger, self._learned = space, ledger, learned
        self._names = Names(ledger)
        #: The first key that holds an item in bytes that cannot be read.
        self.guess: bytes | None = None

    def read(self, act: StepContext, changes: Mapping[bytes, Change]) -> None:
        """Record in the ledger which of these values carry an item."""
        new = {
            value: change
            for value, change in changes.items()
            if not self._ledger.all_of(value) and (change.gained or change.ready > 0)
        }
        if not new or act.outside:
            return
        leaving = {
            item.value: item
            for value, change in changes.items()
            for item in self._ledger.all_of(value)
            if change.ready < 0 or change.lost
        }
        concerned = {**leaving, **self._held_by(act)}
        unread = {}
        for value, change in new.items():
            items = [concerned[entry] for entry in found(value, concerned)]
            if items:
                self._ledger.carry(value, items)
            elif self._may_stand_for(value, change):
                unread[value] = change
            if not change.ready:
                self._learn_written(value, change)
        for item in leaving.values():
            self._find_ids(item, changes)
        unread = {value: entry for value, entry in unread.items() if not self._ledger.all_of(value)}
        gone = [item for item in leaving.values() if not self._is_somewhere(item)]
        if gone and unread:
            self._guess(gone, changes, unread)

    def kept(self, change: Change) -> Change:
        """Drop the places to which successes write, in any form: results and logs."""
        for places in (change.gained, change.lost):
            places[:] = [place for place in places if not self._learned.is_done(place[0])]
        change.carried = True
        return change

    def is_collection(self, key: bytes) -> bool:
        """Return whether a key has members; an id may also be the value of a counter."""
        return isinstance(self._space.get(key), (deque, set, Zset))

    def answered(self, act: StepContext, item: Item) -> bool | None:
        """Return whether a step's answer contains an item, in any form; None without an answer."""
        exact = act.answer_has(item.value)
        if exact is not False or act.group is None:
            return exact
        return act.brings(item.value) or not act.group.brought.isdisjoint(item.forms)

    # -- readable values ----------------------------------------------------------------------

    def _held_by(self, act: StepContext) -> dict[bytes, Item]:
        """Return the items that this worker has, or has only just removed."""
        holdings = {
            value: item
            for value, item in self._ledger.items.items()
            if any(delivery.worker == act.worker for delivery in item.held)
        }
        holdings.update((item.value, item) for item in self._ledger.just_taken(act.worker))
        return holdings

    def _learn_written(self, value: bytes, change: Change) -> None:
        """Learn a place of successes: while nothing fails, items arrive there in any form."""
        items = self._ledger.items
        if self._learned.teaching and len(items) <= _MANY and found(value, items):
            self._learned.writes(key for key, _ in change.gained)

    def _is_somewhere(self, item: Item) -> bool:
        return any(self._space.places.of(value) for value in (item.value, *item.forms))

    def _find_ids(self, item: Item, changes: Mapping[bytes, Change]) -> None:
        """Find an id that an item received: it names the place in which the item can be read."""
        own_places = changes.get(item.value, Change()).gained
        wrapped = [place for form in item.forms for place in changes.get(form, Change()).gained]
        names = {sub for _, sub in wrapped if sub}
        names.update(
            part for key, sub in (*own_places, *wrapped) if sub for part in ID_PART.findall(key)
        )
        keys = {key for key, _ in (*own_places, *wrapped)}
        for value in names & changes.keys():
            other_keys = (key for key, sub in changes[value].gained if not sub and key not in keys)
            collections = [key for key in other_keys if self.is_collection(key)]
            if collections and not self._ledger.all_of(value):
                self._ledger.carry(value, [item])
                item.ids.add(value)

    # -- unreadable values --------------------------------------------------------------------

    def _guess(
        self, gone: list[Item], changes: Mapping[bytes, Change], unread: Mapping[bytes, Change]
    ) -> None:
        """Guess that a value is the item that left in the same step and can be read nowhere."""
        taken = [item for item in gone if _leaves_queue(item, changes)]
        for value, change in unread.items():
            key = change.gained[0][0]
            if taken or key in self._learned.guessed:  # claimed, or replaced where it lay
                self._learned.guessed.setdefault(key)
            elif self._learned.teaching:  # the item is done, and this is its result
                self._learned.writes((key,))
                continue
            self._ledger.carry(value, taken or gone)
            self.guess = self.guess or key

    def _may_stand_for(self, value: bytes, change: Change) -> bool:
        """Return whether a value can be an item's id: it is new, and not a number or a state."""
        if len(value) < _SHORTEST_ID or _NUMBER.fullmatch(value) or change.lost or change.ready:
            return False
        if len(change.gained) != 1 or self._learned.is_done(change.gained[0][0]):
            return False
        if any(self._names.digested(change.gained[0][0])):
            return False  # a note on an item, from which the item cannot be read
        return sum(self._space.places.of(value).values()) == 1


def _leaves_queue(item: Item, changes: Mapping[bytes, Change]) -> bool:
    return any(changes[value].ready < 0 for value in (item.value, *item.forms) if value in changes)
