"""Workers that want items: their requests, and the answers that there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.history import AskedForItem, FoundEmpty, Observation
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.transcript.commands import COUNTS, POPS, SCRIPTS, Words, name
from harness.patterns.fine.interpreter.transcript.connections import ExecutedUnit, PendingCommand
from harness.tap.records import ErrorReply


class PollDetector:
    """Recognises commands that take items out of the queue, by name and by learned roles."""

    def __init__(self, queue: str, epoch: float, learned: RoleLearner) -> None:
        self._queue, self._key, self._epoch = queue, queue.encode(), epoch
        self._learned = learned

    def claims(self, group: ExecutedUnit) -> bool:
        """Return whether a unit asks for an item."""
        return any(self._claims(words) for words in group.tops)

    def asked(self, group: ExecutedUnit) -> Iterator[tuple[float, Observation]]:
        """Yield the event of the request, and its moment."""
        pending = group.asked
        if pending is not None and group.connection is not None and not pending.refused:
            at = pending.at - self._epoch
            capacity = _most_items(group.tops[0])
            yield at, AskedForItem(group.connection, self._queue, capacity, at)

    def empty(self, group: ExecutedUnit) -> Iterator[tuple[float, Observation]]:
        """Yield the event of an empty queue, and its moment, if that was the answer."""
        pending = group.asked
        if pending is None or pending.answered is None or group.connection is None:
            return
        for words, value in group.said():
            wanted = not group.waiting and self._claims(words)
            if (wanted and _is_empty(value)) or (self._counts(words) and value == 0):
                yield self._found_empty(group.connection, pending)
                return

    def in_vain(self, group: ExecutedUnit) -> Iterator[tuple[float, Observation]]:
        """Yield the event of an empty queue for a command that waited and got nothing."""
        pending, wanted = group.asked, self.claims(group)
        if (
            pending is not None
            and group.connection is not None
            and wanted
            and _is_empty(pending.value)
        ):
            yield self._found_empty(group.connection, pending)

    def _found_empty(self, connection: int, asked: PendingCommand) -> tuple[float, Observation]:
        at = (asked.answered or asked.at) - self._epoch
        return at, FoundEmpty(connection, self._queue, at)

    def _claims(self, words: Words) -> bool:
        command = name(words)
        if command == b"XREADGROUP":
            return self._key in words and words[-1] == b">"
        if command == b"XCLAIM":  # it claims entries that the worker found before
            return False
        if command in POPS:  # the queue is the source of the command, not its target
            source = words[1:2] if b"MOVE" in command or b"POPLPUSH" in command else words[1:]
            return self._key in source
        return self._learned.is_claim(words)

    def _counts(self, words: Words) -> bool:
        if name(words) in SCRIPTS:
            return self._learned.is_asking(words) and self._key in words
        return name(words) in COUNTS and words[1:] == (self._key,)


def _is_empty(value: Any) -> bool:
    """Return whether an answer contains nothing; an empty item and an error are not nothing."""
    if isinstance(value, ErrorReply):
        return False
    if isinstance(value, (list, tuple)):
        return all(_is_empty(element) for element in value)
    return not value and value != b""


def _most_items(words: Words) -> int | None:
    """Return the most items that the answer may contain, or None for no limit."""
    upper = [word.upper() for word in words]
    if b"COUNT" in upper:
        count = words[upper.index(b"COUNT") + 1 :][:1]
        return int(count[0]) if count and count[0].isdigit() else 1
    if upper[0] == b"XREADGROUP":
        return None
    if upper[0] in (b"LPOP", b"RPOP", b"ZPOPMIN", b"ZPOPMAX", b"SPOP") and len(words) > 2:
        return int(words[2]) if words[2].isdigit() else 1
    return 1
