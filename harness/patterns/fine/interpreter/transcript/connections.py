"""Commands that workers send to Redis, each with its answer and its lines in MONITOR."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.patterns.fine.interpreter.transcript.commands import (
    SCRIPTS,
    UNANSWERED,
    Words,
    byte_strings,
    is_blocking,
    name,
)
from harness.tap.points import Signature
from harness.tap.records import Command, ErrorReply, Reply

#: Most commands of one connection that are kept until MONITOR shows them; some it never shows.
_UNSEEN = 10_000
#: Seconds after a connection's end in which Redis may still run its commands.
_LINGER = 2.0


@dataclass(slots=True, eq=False)
class PendingCommand:
    """A command on its way, and its answer; times are in seconds since 1970.

    `at` is when the tap forwarded the command, `answered` when its reply came.
    """

    at: float
    words: Words
    answered: float | None = None
    value: Any = None
    #: Commands before it that never ran: before EXEC, those of an aborted transaction.
    passed: tuple[Words, ...] = ()

    _brought: frozenset[bytes] | None = None

    @property
    def refused(self) -> bool:
        return isinstance(self.value, ErrorReply)

    @property
    def brought(self) -> frozenset[bytes]:
        """All byte strings in its answer; empty while there is no answer."""
        if self._brought is None and self.answered is not None:
            self._brought = frozenset(byte_strings(self.value))
        return self._brought or frozenset()


class ClientConnection:
    """One connection of a worker; `worker` is the address that it came from."""

    def __init__(self, number: int, client: str, worker: str) -> None:
        self.number, self.client, self.worker = number, client, worker
        #: When it was closed, in seconds since 1970.
        self.closed: float | None = None
        #: It gets no answers, and the interpreter waits for none.
        self.mute = False
        self._open: dict[int, PendingCommand] = {}
        self._unseen: deque[PendingCommand] = deque(maxlen=_UNSEEN)

    def over(self, moment: float) -> bool:
        """Return whether nothing more can come of it at this moment (in seconds since 1970)."""
        return self.closed is not None and moment > self.closed + _LINGER

    @property
    def unseen(self) -> bool:
        """Whether MONITOR has not shown all its commands yet; some it never shows."""
        return bool(self._unseen)

    def asked(self, at: float, command: Command) -> None:
        pending = PendingCommand(at, command.words)
        if name(command.words) not in UNANSWERED:
            self._open[command.number] = pending
        self._unseen.append(pending)

    def answered(self, at: float, reply: Reply) -> PendingCommand | None:
        """Return the command that this reply answers."""
        pending = self._open.pop(reply.command.number, None)
        if pending is not None:
            pending.answered, pending.value, self.mute = at, reply.value, False
        return pending

    def ran(self, words: Words) -> PendingCommand | None:
        """Return the command that MONITOR shows.

        Redis refused the commands before it, or MONITOR never shows them.
        """
        for index, pending in enumerate(self._unseen):
            if pending.words == words:
                pending.passed = tuple(self._unseen.popleft().words for _ in range(index))
                self._unseen.popleft()
                return pending
        return None


@dataclass(eq=False)
class ExecutedUnit:
    """A unit that Redis ran: a command, a script with its own commands, or a transaction.

    `lines` are all commands, including those of scripts; `tops` are only those that were sent.
    """

    at: float
    client: str
    #: None for clients that do not come through the tap.
    talk: ClientConnection | None
    lines: list[Words]
    tops: list[Words]
    asked: PendingCommand | None = None
    transaction: bool = False
    #: When its last line ran; a script's clock shows a moment between `at` and this.
    end: float = 0.0
    #: It waits for an item; its effect is still to come.
    waiting: bool = field(default=False, compare=False)

    @property
    def connection(self) -> int | None:
        return None if self.talk is None else self.talk.number

    @property
    def worker(self) -> str:
        """The address that it came from; connections of one pod share it."""
        return self.client if self.talk is None else self.talk.worker

    @property
    def plain(self) -> bool:
        """Whether it is neither a transaction nor a script: nothing else runs together with it."""
        return not self.transaction and name(self.tops[0]) not in SCRIPTS

    @property
    def blocking(self) -> bool:
        return not self.transaction and is_blocking(self.tops[0])

    @property
    def missing(self) -> bool:
        """Whether its answer has not come yet, and will come."""
        if self.talk is None or self.asked is None or self.asked.answered is not None:
            return False
        return self.talk.closed is None and not (self.talk.mute or self.blocking)

    @property
    def brought(self) -> frozenset[bytes]:
        """All byte strings in its answer; empty while there is no answer."""
        return frozenset() if self.asked is None else self.asked.brought

    @property
    def given_up(self) -> tuple[Words, ...]:
        """The commands of a transaction that did not run, because a watched key changed."""
        if not self.transaction or self.tops or self.asked is None or self.asked.refused:
            return ()
        return self.asked.passed

    def said(self) -> Iterator[tuple[Words, Any]]:
        """Yield the commands that were sent, each with its answer; none before the answer."""
        if self.asked is None or self.asked.answered is None or self.asked.refused:
            return
        if not self.transaction:
            yield self.tops[0], self.asked.value
        elif isinstance(self.asked.value, list):
            yield from zip(self.tops, self.asked.value, strict=False)


def signature(words: Words) -> Signature:
    """Return a command's signature: its first two words."""
    return Signature(name(words).decode("latin-1"), words[1] if len(words) > 1 else b"")
