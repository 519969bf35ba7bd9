"""Workers that want items: what they ask with, and being told that there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.history import AskedForItem, FoundEmpty, Observation
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.transcript.commands import COUNTS, POPS, SCRIPTS, Words, name
from harness.patterns.fine.interpreter.transcript.connections import ExecutedUnit, PendingCommand
from harness.tap.records import ErrorReply


class PollDetector:
    """Knows by name what takes items out of the queue, and by what was learned."""

    def __init__(self, queue: str, epoch: float, learned: RoleLearner) -> None:
        self._queue, self._key, self._epoch = queue, queue.encode(), epoch
        self._learned = learned

    def claims(self, group: ExecutedUnit) -> bool:
        """Whether it asks for an item."""
        return any(self._claims(words) for words in group.tops)

    def asked(self, group: ExecutedUnit) -> Iterator[tuple[float, Observation]]:
        """The event of asking, and its moment."""
        asked = group.asked
        if asked is not None and group.connection is not None and not asked.refused:
            at = asked.at - self._epoch
            room = _room(group.tops[0])
            yield at, AskedForItem(group.connection, self._queue, room, at)

    def empty(self, group: ExecutedUnit) -> Iterator[tuple[float, Observation]]:
        """The event of being told that there is nothing, if that was the answer."""
        asked = group.asked
        if asked is None or asked.answered is None or group.connection is None:
            return
        for words, value in group.said():
            wanted = not group.waiting and self._claims(words)
            if (wanted and _nothing(value)) or (self._counts(words) and value == 0):
                yield self._found_empty(group.connection, asked)
                return

    def in_vain(self, group: ExecutedUnit) -> Iterator[tuple[float, Observation]]:
        """One that has waited has its answer: nothing."""
        asked, wanted = group.asked, self.claims(group)
        if asked is not None and group.connection is not None and wanted and _nothing(asked.value):
            yield self._found_empty(group.connection, asked)

    def _found_empty(self, connection: int, asked: PendingCommand) -> tuple[float, Observation]:
        at = (asked.answered or asked.at) - self._epoch
        return at, FoundEmpty(connection, self._queue, at)

    def _claims(self, words: Words) -> bool:
        what = name(words)
        if what == b"XREADGROUP":
            return self._key in words and words[-1] == b">"
        if what == b"XCLAIM":  # of what it has found before
            return False
        if what in POPS:  # the queue is where it comes from, not where it goes to
            source = words[1:2] if b"MOVE" in what or b"POPLPUSH" in what else words[1:]
            return self._key in source
        return self._learned.is_claim(words)

    def _counts(self, words: Words) -> bool:
        if name(words) in SCRIPTS:
            return self._learned.is_asking(words) and self._key in words
        return name(words) in COUNTS and words[1:] == (self._key,)


def _nothing(value: Any) -> bool:
    """Whether an answer brings nothing; an empty item is something, and an error neither."""
    if isinstance(value, ErrorReply):
        return False
    if isinstance(value, (list, tuple)):
        return all(_nothing(one) for one in value)
    return not value and value != b""


def _room(words: Words) -> int | None:
    """How many items it may bring at once; None: no limit."""
    upper = [word.upper() for word in words]
    if b"COUNT" in upper:
        number = words[upper.index(b"COUNT") + 1 :][:1]
        return int(number[0]) if number and number[0].isdigit() else 1
    if upper[0] == b"XREADGROUP":
        return None
    if upper[0] in (b"LPOP", b"RPOP", b"ZPOPMIN", b"ZPOPMAX", b"SPOP") and len(words) > 2:
        return int(words[2]) if words[2].isdigit() else 1
    return 1
