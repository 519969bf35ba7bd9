"""A queue that is a stream with a consumer group: entries, and who has which of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.patterns.fine.interpreter.items.deliveries import Delivery, Item, StepContext
from harness.patterns.fine.interpreter.items.ledger import DeliveryLedger
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.transcript.commands import (
    Elsewhere,
    Words,
    may_replicate_as,
    name,
    shown,
)
from harness.tap.content import found

_Id = tuple[int, int]
#: Redis counts idle time in milliseconds.
_ROUNDED = 0.002
#: How Redis replicates an entry's id.
_ID = re.compile(rb"\d+-\d+")


@dataclass(frozen=True)
class Stream:
    """How a stream is used: the field that has the item, and the group that counts.

    Without a group it is the first that comes.
    """

    field: str = "item"
    group: str = ""


class Streams:
    """Follows the stream `queue`; an entry's item is its `field`, or its first value.

    An entry that nobody has acknowledged may be taken over once it has been idle for so long as
    those say who take over. With that, Redis has no end of a lease, but there is one.
    """

    def __init__(
        self,
        queue: bytes,
        stream: Stream,
        ledger: DeliveryLedger,
        learned: RoleLearner,
        is_deadline: Callable[[bytes], bool],
    ) -> None:
        self._queue, self._field = queue, stream.field.encode()
        self._ledger, self._learned, self._is_deadline = ledger, learned, is_deadline
        #: The consumer group.
        self._name = stream.group.encode()
        self._entries: dict[bytes, Item] = {}
        self._pending: dict[bytes, Delivery] = {}
        #: The last entry that the group was given.
        self._last: _Id = (0, 0)
        #: There is such a stream, and its group has been given something.
        self.used = self.read = False
        #: A group of others that was given something of it.
        self.other = b""

        self._changes: Mapping[bytes, Callable[[StepContext, Words], None]] = {
            b"XGROUP": self._group,
            b"XADD": self._added,
            b"XCLAIM": self._claimed,
            b"XACK": self._acknowledged,
            b"XDEL": self._deleted,
            b"XSETID": lambda *_: None,
        }

    def ready(self) -> list[bytes]:
        """What nobody was given yet."""
        return [one.value for key, one in self._entries.items() if _id(key) > self._last]

    def lose(self) -> None:
        """The stream is lost, with its group."""
        self._entries.clear()
        self._pending.clear()
        self._last, self.used = (0, 0), False

    def apply(self, act: StepContext, effect: Words) -> bool:
        """Enter an effect on a stream; False for one that is not known, or does not fit."""
        change = self._changes.get(name(effect))
        if change is None:
            return False
        try:
            change(act, effect)
        except (IndexError, StopIteration, TypeError, ValueError):
            return False
        return True

    def is_about(self, effect: Words) -> bool:
        """Whether it is for this to enter: where the queue is no stream, others are only places."""
        if not name(effect).startswith(b"X") or isinstance(effect, Elsewhere):
            return False
        return self.used or self._queue in effect[1:3]

    def look(self, act: StepContext) -> None:
        """What a worker asks says after how long it takes over.

        One that reads what its consumer has already: another run of it may have left it.
        """
        group = act.group
        if group is None:
            return
        for line in group.lines:
            self._learn_idle(line)
        if not group.plain or name(group.tops[0]) != b"XREADGROUP":
            return
        for key in group.brought & self._pending.keys():
            held = self._pending[key]
            if not held.new and held.connection != act.connection:
                self._take_over(act, key, held, act.moment)

    def unread(self) -> str:
        """Why nothing is known of who read the stream, or empty."""
        if not self.used or self.read or not self.other:
            return ""
        return (
            f"it was read in the group {shown(self.other)}, and nobody read it in "
            f"{shown(self._name)}: see --stream-group"
        )

    # -- effects ------------------------------------------------------------------------------

    def _added(self, act: StepContext, effect: Words) -> None:
        entry, *rest = effect[
            next(at for at in range(2, len(effect)) if _ID.fullmatch(effect[at])) :
        ]
        if effect[1] != self._queue:
            self._copied(act, effect[1], rest[1::2])
            return
        self.used = True
        value = dict(zip(rest[::2], rest[1::2], strict=True)).get(self._field, rest[1])
        item = self._ledger.item_of(value) or self._again(act, value)
        if item is None or not self._ledger.came_back(act, item):
            item = self._ledger.enqueue(act, value if item is None else item.value)
        self._entries[entry] = item

    def _copied(self, act: StepContext, key: bytes, values: Iterable[bytes]) -> None:
        """Items were added to another stream, most likely for good: that shows when they go."""
        for value in values:
            item = self._ledger.items.get(value)
            holders = self._carried(act, value) if item is None else item.held
            for held in sorted(holders, key=lambda one: one.worker != act.worker)[:1]:
                held.extra.append((key, b""))
                if item is None:
                    held.carried_to.add(key)

    def _again(self, act: StepContext, value: bytes) -> Item | None:
        """The item that a worker has, or had last, and adds in other bytes."""
        if act.outside:
            return None
        mine = {one.item.value: one.item for one in self._pending.values() if _is_of(one, act)}
        last = self._ledger.given.get(act.worker)
        if last is not None:
            mine[last.item.value] = last.item
        items = [mine[one] for one in found(value, mine)]
        if items:
            self._ledger.carry(value, items[:1])
        return items[0] if items else None

    def _carried(self, act: StepContext, value: bytes) -> list[Delivery]:
        """What its worker has that is to be read in a value."""
        mine = {one.item.value: one for one in self._pending.values() if _is_of(one, act)}
        return [mine[one] for one in found(value, mine)]

    def _claimed(self, act: StepContext, effect: Words) -> None:
        """XCLAIM key group consumer 0 ID TIME ms … [LASTID id], whoever has claimed how."""
        _, key, group, _, _, entry, *options = effect
        item = self._entries.get(entry)
        if key != self._queue or item is None or not self._is_ours(group):
            return
        self.read = True
        told = dict(zip(options[::2], options[1::2], strict=False))
        since = int(told.get(b"TIME", b"0")) / 1000 or act.moment
        self._last = max(self._last, _id(entry))
        line = _line(act, effect)
        self._learn_idle(line)
        if name(line) == b"XREADGROUP":  # what others have left comes in other ways
            self._learned.takes_over(self._queue)
        held = self._pending.get(entry)
        if held is None:
            held = self._ledger.deliver(act, item, [], in_place=True)
            self._give(act, entry, held, since)
        elif _just_id(line) and held.worker == act.worker:
            self._renewed(act, held, since)
        else:
            self._take_over(act, entry, held, since)

    def _renewed(self, act: StepContext, held: Delivery, since: float) -> None:
        """Its holder says since when it has been idle; for long enough means that it is free."""
        idle = self._learned.idle
        if idle is None:
            return
        if since + idle <= act.end + _ROUNDED:
            self._ledger.free(act, held)
        else:
            self._ledger.lease(act, held, since + idle)

    def _is_ours(self, group: bytes) -> bool:
        """Of several groups, each of which gets all entries, only one counts."""
        self._name = self._name or group
        if group != self._name:
            self.other = group
        return group == self._name

    def _take_over(self, act: StepContext, entry: bytes, held: Delivery, since: float) -> None:
        self._give(act, entry, self._ledger.take_over(act, held, []), since)

    def _give(self, act: StepContext, entry: bytes, held: Delivery, since: float) -> None:
        self._pending[entry] = held
        self._ledger.name(held, entry)
        if self._learned.idle is not None:
            self._ledger.lease(act, held, since + self._learned.idle)

    def _acknowledged(self, act: StepContext, effect: Words) -> None:
        if effect[1] == self._queue and self._is_ours(effect[2]):
            for entry in effect[3:]:
                self._settle(act, entry)

    def _settle(self, act: StepContext, entry: bytes) -> None:
        held = self._pending.pop(entry, None)
        if held is None:
            return
        copies = dict.fromkeys(
            key
            for key, _ in held.extra
            if key not in self._learned.done and not self._is_deadline(key)
        )
        if copies and self._learned.teaching and held.carried_to >= copies.keys():
            self._learned.archives(copies)
            copies = {}
        self._learned.dead.update(copies)
        self._ledger.settle(act, held, "dead" if copies else "acked", copies)

    def _deleted(self, act: StepContext, effect: Words) -> None:
        for entry in effect[2:] if effect[1] == self._queue else ():
            item = self._entries.pop(entry, None)
            if entry in self._pending:
                self._settle(act, entry)
            elif item is not None and _id(entry) > self._last and not act.outside:
                self._ledger.deliver(act, item, [])

    def _group(self, act: StepContext, effect: Words) -> None:
        """A group's beginning, or what was read with NOACK."""
        if len(effect) < 5 or effect[2] != self._queue:
            return
        if effect[1].upper() not in (b"CREATE", b"SETID") or not self._is_ours(effect[3]):
            return
        newest = max(map(_id, self._entries), default=(0, 0))
        last = newest if effect[4] == b"$" else _id(effect[4])
        if act.group is not None and name(_line(act, effect)) == b"XREADGROUP":
            self.read = True
            for entry, item in self._entries.items():
                if self._last < _id(entry) <= last:
                    self._ledger.deliver(act, item, [])
        self._last = last

    def _learn_idle(self, line: Words) -> None:
        """What others must have left alone for so long is free; JUSTID is for one's own.

        Who looks for it first, and then claims it without a word about that, says so there.
        """
        if len(line) < 5 or line[1] != self._queue or not line[4].isdigit() or int(line[4]) == 0:
            return
        looks = name(line) == b"XPENDING" and line[3].upper() == b"IDLE"
        claims = name(line) in (b"XCLAIM", b"XAUTOCLAIM") and not _just_id(line)
        if claims or (looks and self._learned.idle is None):
            self._learned.idle = int(line[4]) / 1000


def _line(act: StepContext, effect: Words) -> Words:
    """The command that was replicated so, be it in a script; none where nobody has asked."""
    lines = () if act.group is None else act.group.lines
    fitting = [line for line in lines if may_replicate_as(line, effect)]
    exact = (line for line in fitting if name(line) == b"XCLAIM" and effect[5:6] == line[5:6])
    return next(exact, fitting[0] if fitting else ())


def _is_of(held: Delivery, act: StepContext) -> bool:
    return held.worker == act.worker


def _just_id(line: Words) -> bool:
    return b"JUSTID" in (word.upper() for word in line)


def _id(entry: bytes) -> _Id:
    stamp, _, number = entry.partition(b"-")
    return int(stamp), int(number or 0)
