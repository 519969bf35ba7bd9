"""A queue that is a stream with a consumer group: its entries, and their holders."""

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

_EntryId = tuple[int, int]
#: Redis counts idle time in milliseconds.
_ROUNDED = 0.002
#: The form in which Redis replicates an entry's id.
_ENTRY_ID = re.compile(rb"\d+-\d+")


@dataclass(frozen=True)
class Stream:
    """How a stream is used: the field that has the item, and the group that counts.

    Without a group, the first one that comes counts.
    """

    field: str = "item"
    group: str = ""


class Streams:
    """Follows the stream `queue`; an entry's item is its `field`, or its first value.

    Workers may take over an entry that was not acknowledged, once it has been idle for as long as
    their commands require. So Redis knows no end of a lease, but there is one.
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
        #: Name of the consumer group.
        self._name = stream.group.encode()
        self._entries: dict[bytes, Item] = {}
        self._pending: dict[bytes, Delivery] = {}
        #: The last entry that the group received.
        self._last: _EntryId = (0, 0)
        #: There is such a stream, and its group received something.
        self.used = self.read = False
        #: Another group that received something of it.
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
        """Return the items that the group has not received yet."""
        return [item.value for key, item in self._entries.items() if _parse_id(key) > self._last]

    def lose(self) -> None:
        """Forget the stream and its group, because Redis lost them."""
        self._entries.clear()
        self._pending.clear()
        self._last, self.used = (0, 0), False

    def apply(self, act: StepContext, effect: Words) -> bool:
        """Apply an effect on a stream; return False for one that is unknown or does not fit."""
        change = self._changes.get(name(effect))
        if change is None:
            return False
        try:
            change(act, effect)
        except (IndexError, StopIteration, TypeError, ValueError):
            return False
        return True

    def is_about(self, effect: Words) -> bool:
        """Return whether an effect belongs here; if the queue is no stream, streams are places."""
        if not name(effect).startswith(b"X") or isinstance(effect, Elsewhere):
            return False
        return self.used or self._queue in effect[1:3]

    def look(self, act: StepContext) -> None:
        """Learn from a worker's commands after which idle time it takes over entries.

        A worker that reads the old entries of its own consumer takes them over: another run of it
        may have left them.
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
        """Return why it is unknown which workers read the stream, or an empty string."""
        if not self.used or self.read or not self.other:
            return ""
        return (
            f"it was read in the group {shown(self.other)}, and nobody read it in "
            f"{shown(self._name)}: see --stream-group"
        )

    # -- effects ------------------------------------------------------------------------------

    def _added(self, act: StepContext, effect: Words) -> None:
        entry, *rest = effect[
            next(at for at in range(2, len(effect)) if _ENTRY_ID.fullmatch(effect[at])) :
        ]
        if effect[1] != self._queue:
            self._copied(act, effect[1], rest[1::2])
            return
        self.used = True
        value = dict(zip(rest[::2], rest[1::2], strict=True)).get(self._field, rest[1])
        item = self._ledger.item_of(value) or self._item_added_again(act, value)
        if item is None or not self._ledger.came_back(act, item):
            item = self._ledger.enqueue(act, value if item is None else item.value)
        self._entries[entry] = item

    def _copied(self, act: StepContext, key: bytes, values: Iterable[bytes]) -> None:
        """Record items that were added to another stream.

        Most likely they are there for good; this shows when they leave the queue.
        """
        for value in values:
            item = self._ledger.items.get(value)
            holders = self._deliveries_in(act, value) if item is None else item.held
            for held in sorted(holders, key=lambda delivery: delivery.worker != act.worker)[:1]:
                held.extra.append((key, b""))
                if item is None:
                    held.carried_to.add(key)

    def _item_added_again(self, act: StepContext, value: bytes) -> Item | None:
        """Return the item that a worker has, or had last, and adds in other bytes."""
        if act.outside:
            return None
        own_items = {
            candidate.item.value: candidate.item
            for candidate in self._pending.values()
            if _belongs_to(candidate, act)
        }
        last = self._ledger.given.get(act.worker)
        if last is not None:
            own_items[last.item.value] = last.item
        items = [own_items[candidate] for candidate in found(value, own_items)]
        if items:
            self._ledger.carry(value, items[:1])
        return items[0] if items else None

    def _deliveries_in(self, act: StepContext, value: bytes) -> list[Delivery]:
        """Return the deliveries of this worker whose items can be read in a value."""
        own_deliveries = {
            candidate.item.value: candidate
            for candidate in self._pending.values()
            if _belongs_to(candidate, act)
        }
        return [own_deliveries[candidate] for candidate in found(value, own_deliveries)]

    def _claimed(self, act: StepContext, effect: Words) -> None:
        """Apply a claim, whichever command made it.

        Its form is XCLAIM key group consumer 0 ID TIME ms … [LASTID id].
        """
        _, key, group, _, _, entry, *options = effect
        item = self._entries.get(entry)
        if key != self._queue or item is None or not self._is_ours(group):
            return
        self.read = True
        arguments = dict(zip(options[::2], options[1::2], strict=False))
        since = int(arguments.get(b"TIME", b"0")) / 1000 or act.moment
        self._last = max(self._last, _parse_id(entry))
        line = _line(act, effect)
        self._learn_idle(line)
        if name(line) == b"XREADGROUP":  # entries that other workers left come by other commands
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
        """Apply the idle time that the holder sets; a long enough one frees the item."""
        idle = self._learned.idle
        if idle is None:
            return
        if since + idle <= act.end + _ROUNDED:
            self._ledger.free(act, held)
        else:
            self._ledger.lease(act, held, since + idle)

    def _is_ours(self, group: bytes) -> bool:
        """Return whether a group counts: each group gets all entries, so only one of them does."""
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
            elif item is not None and _parse_id(entry) > self._last and not act.outside:
                self._ledger.deliver(act, item, [])

    def _group(self, act: StepContext, effect: Words) -> None:
        """Apply the start position of a group, or a read with NOACK."""
        if len(effect) < 5 or effect[2] != self._queue:
            return
        if effect[1].upper() not in (b"CREATE", b"SETID") or not self._is_ours(effect[3]):
            return
        newest = max(map(_parse_id, self._entries), default=(0, 0))
        last = newest if effect[4] == b"$" else _parse_id(effect[4])
        if act.group is not None and name(_line(act, effect)) == b"XREADGROUP":
            self.read = True
            for entry, item in self._entries.items():
                if self._last < _parse_id(entry) <= last:
                    self._ledger.deliver(act, item, [])
        self._last = last

    def _learn_idle(self, line: Words) -> None:
        """Learn the idle time after which entries of others are free; JUSTID is for own entries.

        A worker that first searches with XPENDING, and then claims without an idle time, shows the
        idle time in the search.
        """
        if len(line) < 5 or line[1] != self._queue or not line[4].isdigit() or int(line[4]) == 0:
            return
        searches = name(line) == b"XPENDING" and line[3].upper() == b"IDLE"
        claims = name(line) in (b"XCLAIM", b"XAUTOCLAIM") and not _just_id(line)
        if claims or (searches and self._learned.idle is None):
            self._learned.idle = int(line[4]) / 1000


def _line(act: StepContext, effect: Words) -> Words:
    """Return the command that was replicated so, even in a script; () if no client asked."""
    lines = () if act.group is None else act.group.lines
    fitting = [line for line in lines if may_replicate_as(line, effect)]
    exact = (line for line in fitting if name(line) == b"XCLAIM" and effect[5:6] == line[5:6])
    return next(exact, fitting[0] if fitting else ())


def _belongs_to(held: Delivery, act: StepContext) -> bool:
    return held.worker == act.worker


def _just_id(line: Words) -> bool:
    return b"JUSTID" in (word.upper() for word in line)


def _parse_id(entry: bytes) -> _EntryId:
    stamp, _, number = entry.partition(b"-")
    return int(stamp), int(number or 0)
