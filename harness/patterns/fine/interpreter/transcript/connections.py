"""What workers ask Redis: each command with its answer and with what MONITOR shows of it."""

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

#: Commands of a connection that MONITOR has not shown; it never shows some.
_UNSEEN = 10_000
#: Seconds after its end in which Redis may still run what a connection has asked.
_LINGER = 2.0


@dataclass(slots=True, eq=False)
class PendingCommand:
    """A command on its way; `at` is when the tap passed it on, `answered` when its reply came."""

    at: float
    words: Words
    answered: float | None = None
    value: Any = None
    #: What was asked before it, and never ran: before EXEC, a transaction that was given up.
    passed: tuple[Words, ...] = ()

    _brought: frozenset[bytes] | None = None

    @property
    def refused(self) -> bool:
        return isinstance(self.value, ErrorReply)

    @property
    def brought(self) -> frozenset[bytes]:
        """All byte strings in its answer; none while there is no answer."""
        if self._brought is None and self.answered is not None:
            self._brought = frozenset(byte_strings(self.value))
        return self._brought or frozenset()


class ClientConnection:
    """One connection of a worker; `worker` is the address that it came from."""

    def __init__(self, number: int, client: str, worker: str) -> None:
        self.number, self.client, self.worker = number, client, worker
        #: When it was closed, in seconds since 1970.
        self.closed: float | None = None
        #: It gets no answers; nobody waits for them.
        self.mute = False
        self._open: dict[int, PendingCommand] = {}
        self._unseen: deque[PendingCommand] = deque(maxlen=_UNSEEN)

    def over(self, moment: float) -> bool:
        """Whether at this moment (in seconds since 1970) nothing more of it could come."""
        return self.closed is not None and moment > self.closed + _LINGER

    @property
    def unseen(self) -> bool:
        """Whether MONITOR has yet to show something, as far as it ever does."""
        return bool(self._unseen)

    def asked(self, at: float, command: Command) -> None:
        one = PendingCommand(at, command.words)
        if name(command.words) not in UNANSWERED:
            self._open[command.number] = one
        self._unseen.append(one)

    def answered(self, at: float, reply: Reply) -> PendingCommand | None:
        """The command that this is the answer to."""
        one = self._open.pop(reply.command.number, None)
        if one is not None:
            one.answered, one.value, self.mute = at, reply.value, False
        return one

    def ran(self, words: Words) -> PendingCommand | None:
        """The command that MONITOR shows; what came before it was refused, or is never shown."""
        for index, one in enumerate(self._unseen):
            if one.words == words:
                one.passed = tuple(self._unseen.popleft().words for _ in range(index))
                self._unseen.popleft()
                return one
        return None


@dataclass(eq=False)
class ExecutedUnit:
    """What Redis has run as a whole: a command, a script with its own commands, a transaction.

    `lines` are all the commands, those of scripts included, `tops` only those that were sent.
    """

    at: float
    client: str
    #: None for clients that do not come through the tap.
    talk: ClientConnection | None
    lines: list[Words]
    tops: list[Words]
    asked: PendingCommand | None = None
    transaction: bool = False
    #: When its last line was; a script's clock stands somewhere between this and `at`.
    end: float = 0.0
    #: It is waiting for an item; what it got is still to come.
    waiting: bool = field(default=False, compare=False)

    @property
    def connection(self) -> int | None:
        return None if self.talk is None else self.talk.number

    @property
    def worker(self) -> str:
        """Where it came from; connections of one pod share it."""
        return self.client if self.talk is None else self.talk.worker

    @property
    def plain(self) -> bool:
        """Neither transaction nor script: nothing happens together with it."""
        return not self.transaction and name(self.tops[0]) not in SCRIPTS

    @property
    def blocking(self) -> bool:
        return not self.transaction and is_blocking(self.tops[0])

    @property
    def missing(self) -> bool:
        """Whether its answer is still to come, and will."""
        if self.talk is None or self.asked is None or self.asked.answered is not None:
            return False
        return self.talk.closed is None and not (self.talk.mute or self.blocking)

    @property
    def brought(self) -> frozenset[bytes]:
        """All byte strings in its answer; none while there is no answer."""
        return frozenset() if self.asked is None else self.asked.brought

    @property
    def given_up(self) -> tuple[Words, ...]:
        """The commands of a transaction that did not run: what it had watched has changed."""
        if not self.transaction or self.tops or self.asked is None or self.asked.refused:
            return ()
        return self.asked.passed

    def said(self) -> Iterator[tuple[Words, Any]]:
        """The commands that were sent, each with its answer; none while there is no answer."""
        if self.asked is None or self.asked.answered is None or self.asked.refused:
            return
        if not self.transaction:
            yield self.tops[0], self.asked.value
        elif isinstance(self.asked.value, list):
            yield from zip(self.tops, self.asked.value, strict=False)


def signature(words: Words) -> Signature:
    """A command's first two words."""
    return Signature(name(words).decode("latin-1"), words[1] if len(words) > 1 else b"")
