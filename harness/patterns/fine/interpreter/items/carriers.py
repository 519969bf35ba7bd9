"""Values that carry items in other bytes than their own: envelopes, encodings, or an id only.

A value that arrives while an item leaves, in one step, may be what the item is kept as from then
on. Where the item can be read in it, that is proof. Where nothing can be read, it is a guess, and
the run says so.
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

#: An unreadable value that is shorter is a state or a number, and stands for no item.
_ID = 6
_NUMBER = re.compile(rb"[-+0-9.,:eTZ ]*")
#: With more items than this, only those that a step is about are looked for.
_MANY = 300


@dataclass(slots=True, eq=False)
class Change:
    """What a step has changed for one value, or for one item in all its forms."""

    ready: int = 0
    gained: list[Place] = field(default_factory=list)
    lost: list[Place] = field(default_factory=list)
    #: Some of it is about values that are not the item's own bytes.
    carried: bool = False

    def __bool__(self) -> bool:
        return bool(self.ready or self.gained or self.lost)

    def add(self, other: Change) -> None:
        """The same item in one more form."""
        self.ready += other.ready
        self.gained += other.gained
        self.lost += other.lost
        self.carried = self.carried or other.carried


class Carriers:
    """Finds out which items the values are about that a step has moved."""

    def __init__(self, space: Space, ledger: DeliveryLedger, learned: RoleLearner) -> None:
        self._space, self._ledger, self._learned = space, ledger, learned
        self._names = Names(ledger)
        #: A place that has an item in bytes that cannot be read, the first one.
        self.guess: bytes | None = None

    def read(self, act: StepContext, changes: Mapping[bytes, Change]) -> None:
        """Enter in the ledger which of these values carry an item."""
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
            items = [concerned[one] for one in found(value, concerned)]
            if items:
                self._ledger.carry(value, items)
            elif self._may_stand_for(value, change):
                unread[value] = change
            if not change.ready:
                self._note(value, change)
        for item in leaving.values():
            self._name(item, changes)
        unread = {value: one for value, one in unread.items() if not self._ledger.all_of(value)}
        gone = [item for item in leaving.values() if not self._is_somewhere(item)]
        if gone and unread:
            self._guess(gone, changes, unread)

    def kept(self, change: Change) -> Change:
        """Without the places to which successes write, in whatever form: results and logs."""
        for places in (change.gained, change.lost):
            places[:] = [one for one in places if not self._learned.is_done(one[0])]
        change.carried = True
        return change

    def is_collection(self, key: bytes) -> bool:
        """Whether a key has members: an id may also be what a counter says."""
        return isinstance(self._space.get(key), (deque, set, Zset))

    def answered(self, act: StepContext, item: Item) -> bool | None:
        """Whether a step's answer brings an item, in any form; None when no answer came."""
        exact = act.answer_has(item.value)
        if exact is not False or act.group is None:
            return exact
        return act.brings(item.value) or not act.group.brought.isdisjoint(item.forms)

    # -- what can be read ---------------------------------------------------------------------

    def _held_by(self, act: StepContext) -> dict[bytes, Item]:
        """The items that this worker has, or has only just taken away."""
        mine = {
            value: item
            for value, item in self._ledger.items.items()
            if any(one.worker == act.worker for one in item.held)
        }
        mine.update((item.value, item) for item in self._ledger.just_taken(act.worker))
        return mine

    def _note(self, value: bytes, change: Change) -> None:
        """Where nothing fails, a place to which items come in any form is one of successes."""
        items = self._ledger.items
        if self._learned.teaching and len(items) <= _MANY and found(value, items):
            self._learned.writes(key for key, _ in change.gained)

    def _is_somewhere(self, item: Item) -> bool:
        return any(self._space.places.of(value) for value in (item.value, *item.forms))

    def _name(self, item: Item, changes: Mapping[bytes, Change]) -> None:
        """Find an id that an item has got: it names the place in which the item can be read."""
        own = changes.get(item.value, Change()).gained
        wrapped = [one for form in item.forms for one in changes.get(form, Change()).gained]
        names = {sub for _, sub in wrapped if sub}
        names.update(part for key, sub in (*own, *wrapped) if sub for part in ID_PART.findall(key))
        keys = {key for key, _ in (*own, *wrapped)}
        for value in names & changes.keys():
            there = (key for key, sub in changes[value].gained if not sub and key not in keys)
            beside = [key for key in there if self.is_collection(key)]
            if beside and not self._ledger.all_of(value):
                self._ledger.carry(value, [item])
                item.ids.add(value)

    # -- what cannot --------------------------------------------------------------------------

    def _guess(
        self, gone: list[Item], changes: Mapping[bytes, Change], unread: Mapping[bytes, Change]
    ) -> None:
        """What arrives while an item leaves and is nowhere to be read may be that item."""
        taken = [item for item in gone if _leaves_queue(item, changes)]
        for value, change in unread.items():
            key = change.gained[0][0]
            if taken or key in self._learned.guessed:  # claimed, or exchanged where it lay
                self._learned.guessed.setdefault(key)
            elif self._learned.teaching:  # it was done, and this came of it
                self._learned.writes((key,))
                continue
            self._ledger.carry(value, taken or gone)
            self.guess = self.guess or key

    def _may_stand_for(self, value: bytes, change: Change) -> bool:
        """Whether it could be an item's name: a new value, and neither a number nor a state."""
        if len(value) < _ID or _NUMBER.fullmatch(value) or change.lost or change.ready:
            return False
        if len(change.gained) != 1 or self._learned.is_done(change.gained[0][0]):
            return False
        if any(self._names.digested(change.gained[0][0])):
            return False  # a note on an item, that nobody could read it from
        return sum(self._space.places.of(value).values()) == 1


def _leaves_queue(item: Item, changes: Mapping[bytes, Change]) -> bool:
    return any(changes[value].ready < 0 for value in (item.value, *item.forms) if value in changes)
