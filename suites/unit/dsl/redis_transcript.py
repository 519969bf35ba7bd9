"""What the tap records of a Redis, written like a story. Each step takes a second.

What a step says in full: the command that a worker sends, the line of MONITOR, what the replica
gets, and the answer. Unless a test says otherwise, ticks follow each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from harness.history import (
    AskedForItem,
    ConnectionClosed,
    ConnectionOpened,
    ItemDelivered,
    ItemSettled,
    Observation,
)
from harness.patterns.command_roles import Roles
from harness.patterns.fine.interpreter.interpreter import RedisInterpreter
from harness.patterns.fine.interpreter.items.stream_group import Stream
from harness.tap.records import Command, Effect, Monitored, Record, Reply, Tick

EPOCH = 1_800_000_000.0
#: No answer comes, or not yet.
NO_ANSWER = object()

Said = str | Sequence[bytes]


def words(said: Said) -> tuple[bytes, ...]:
    """A command: its words with blanks between, or one by one."""
    return tuple(said.encode().split()) if isinstance(said, str) else tuple(said)


CONNECTIONS = (ConnectionOpened, ConnectionClosed)


class Client:
    """A connection of a worker."""

    def __init__(self, tape: Tape, number: int) -> None:
        self.tape, self.number = tape, number
        self.address = f"{tape.gateway}:{40000 + number}"
        self._asked = 0

    def does(
        self,
        said: Said,
        answer: Any = NO_ANSWER,
        *effects: Said,
        lua: Sequence[Said] = (),
        shown: bool = True,
    ) -> Command:
        """A whole step; more than one effect is a transaction."""
        command = self.asks(said)
        if shown:
            self.tape.shows(self.address, command.words, lua=lua)
        self.tape.changes(*effects)
        if answer is not NO_ANSWER:
            self.hears(command, answer)
        self.tape.step()
        return command

    def transacts(self, pairs: Sequence[tuple[Said, Any]], *effects: Said) -> None:
        """MULTI, these commands, EXEC; their answers are EXEC's."""
        self.hears(self._runs("MULTI"), b"OK")
        queued = [self.asks(said) for said, _ in pairs]
        for command in queued:
            self.hears(command, b"QUEUED")
        last = self.asks("EXEC")
        for command in (*queued, last):
            self.tape.shows(self.address, command.words)
        self.tape.changes(*effects)
        self.tape.tells(Reply(self.number, last, [value for _, value in pairs], tuple(queued)))
        self.tape.step()

    def asks(self, said: Said) -> Command:
        """Only the command."""
        self._asked += 1
        command = Command(self.number, self._asked, words(said))
        self.tape.tells(command)
        return command

    def hears(self, command: Command, answer: Any) -> None:
        """Only the answer."""
        self.tape.tells(Reply(self.number, command, answer))

    def leaves(self) -> None:
        self.tape.tells(ConnectionClosed(self.number, "client"))
        self.tape.step()

    def _runs(self, said: Said) -> Command:
        command = self.asks(said)
        self.tape.shows(self.address, command.words)
        return command


class Tape:
    """Records, read as they come; `events` are those that have come out."""

    gateway = "10.0.0.99"

    def __init__(
        self,
        queue: str = "q",
        roles: Roles | None = None,
        *,
        stream: Stream | None = None,
        ticking: bool = True,
    ):
        self.reader = RedisInterpreter(queue, EPOCH, roles, stream)
        self.events: list[Observation] = []
        self.now = 0.0
        self._ticking = ticking
        self._clients = self._ticks = 0

    def worker(self, pod: str = "") -> Client:
        """A connection from a pod, each from one of its own when none is given."""
        self._clients += 1
        client = Client(self, self._clients)
        address = pod or f"10.0.0.{self._clients}"
        self.tells(ConnectionOpened(client.number, address, 5000, client.address))
        return client

    def seeds(self, said: Said, effect: Said = "") -> None:
        """What the harness does, past the tap."""
        self.shows("127.0.0.1:39999", words(said))
        self.changes(effect or said)
        self.step()

    def forgets(self, *effects: Said) -> None:
        """What nobody has asked for: keys expire."""
        self.changes(*effects)
        self.step()

    def tells(self, record: Record) -> None:
        self.events += self.reader.feed(EPOCH + self.now, record)

    def shows(self, client: str, said: Said, lua: Sequence[Said] = ()) -> None:
        """A line of MONITOR, and those of a script."""
        self.tells(Monitored(EPOCH + self.now, client, 0, words(said)))
        for line in lua:
            self.tells(Monitored(EPOCH + self.now, "lua", 0, words(line)))

    def changes(self, *effects: Said) -> None:
        """What the replica gets, as one."""
        marks = len(effects) > 1
        for effect in ("MULTI", *effects, "EXEC") if marks else effects:
            self.tells(Effect(words(effect)))

    def step(self) -> None:
        if self._ticking:
            self.ticks()
        self.now += 1.0

    def ticks(self, *where: Literal["monitor", "replica"]) -> None:
        self._ticks += 1
        for stream in where or ("monitor", "replica"):
            self.tells(Tick(self._ticks, stream))

    def waits(self, seconds: int) -> None:
        for _ in range(seconds):
            self.step()

    def told(self) -> list[Observation]:
        """All events but those of connections, to the end of the tape."""
        self.events += self.reader.finish()
        return [one for one in self.events if not isinstance(one, CONNECTIONS)]


def end(at: float) -> str:
    """A moment as Redis replicates a key's end."""
    return f"PXAT {int((EPOCH + at) * 1000)}"


def score(at: float) -> str:
    """A moment as the score of a sorted set."""
    return f"{EPOCH + at:.4f}"


def asked(connection: int, at: float, queue: str = "q") -> AskedForItem:
    return AskedForItem(connection, queue, at=at)


def given(
    item: str,
    connection: int,
    at: float,
    token: str = "",
    *,
    until: float | None = None,
    final: bool = False,
    again: bool = False,
) -> ItemDelivered:
    return ItemDelivered(item, connection, token, until, final, again, at)


def settled(
    item: str, connection: int | None, at: float, token: str = "", *, late: bool = False
) -> ItemSettled:
    return ItemSettled(item, connection, "acked", token, not late, at)


def buried(item: str, connection: int, at: float, token: str = "") -> ItemSettled:
    return ItemSettled(item, connection, "dead", token, at=at)
