"""The tap of a simulated broker: it records, stops connections at points, and breaks them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from harness.core.errors import TimedOut
from harness.history import (
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionReleased,
    Towards,
)
from harness.suites.unit.simulator.redis import Redis, Script, Word, digest, words
from harness.suites.unit.simulator.world import World
from harness.tap.control.client import RemoteHit
from harness.tap.points import Point
from harness.tap.records import Command, Message, Record, Reply

#: How often a connection that is held is looked at, in seconds.
_LOOK = 0.05
#: One way through the network.
_WAY = 0.001


class Lost(Exception):
    """A connection is broken."""


class Trap:
    """Waits at a point for the first who comes by; as a remote tap's."""

    def __init__(self, tap: Tap, point: Point, address: str | None) -> None:
        self._tap, self.point, self.address = tap, point, address
        self.wire: Wire | None = None
        self.hit: RemoteHit | None = None

    def caught(self, timeout: float) -> RemoteHit:
        """Let time pass until somebody was caught."""
        world = self._tap.world
        world.run(world.now + timeout, lambda: self.hit is not None)
        if self.hit is None:
            self.clear()
            raise TimedOut(
                f"waited {timeout:g} s in vain for somebody at the point {self.point.name!r}",
                expected=f"a message there from {self.address or 'anybody'}",
                seen="nobody came by",
            )
        return self.hit

    def release(self) -> None:
        self.clear()
        if self.wire is not None:
            self.wire.release()

    def cut(self) -> None:
        if self.wire is not None:
            self.wire.cut()

    def clear(self) -> None:
        if self in self._tap.traps:
            self._tap.traps.remove(self)


class Wire:
    """A worker's connection, from its side; all that it says passes the tap."""

    def __init__(self, tap: Tap, number: int, address: str) -> None:
        self.tap, self.number, self.address = tap, number, address
        self.client = f"10.9.9.9:{40000 + number}"
        self.held: Towards | None = None
        self.open, self.severed = True, False
        self._asked = 0
        self._leaves = False

    # -- what the worker does -----------------------------------------------------------------

    def ask(self, *said: Word) -> Generator[float, None, Any]:
        """A command to Redis; its answer."""
        command = yield from self._send(words(*said))
        value = self.tap.redis.run(self.client, *command.words)
        return (yield from self._hear(Reply(self.number, command, value)))

    def script(
        self, name: str, keys: list[bytes], args: tuple[Word, ...], does: Script
    ) -> Generator[float, None, Any]:
        """A script that Redis knows."""
        line = words("EVALSHA", digest(name), len(keys), *keys, *args)
        command = yield from self._send(line)
        value = self.tap.redis.script(self.client, line, does)
        return (yield from self._hear(Reply(self.number, command, value)))

    def transaction(self, *lines: tuple[Word, ...]) -> Generator[float, None, list[Any]]:
        """MULTI, these commands, EXEC; their answers."""
        begin = yield from self._send((b"MULTI",))
        self.tap.take(Reply(self.number, begin, b"OK"))
        queued = []
        for line in lines:
            queued.append((yield from self._send(words(*line))))
            self.tap.take(Reply(self.number, queued[-1], b"QUEUED"))
        end = yield from self._send((b"EXEC",))
        values = self.tap.redis.transaction(self.client, [one.words for one in queued])
        reply = Reply(self.number, end, values, tuple(queued))
        return (yield from self._hear(reply))  # type: ignore[no-any-return]

    def _send(self, line: tuple[bytes, ...]) -> Generator[float, None, Command]:
        self._asked += 1
        command = Command(self.number, self._asked, line)
        yield from self.passes("broker", command)
        return command

    def _hear(self, reply: Reply) -> Generator[float, None, Any]:
        self.tap.take(reply)
        self.tap.redis.tick()
        yield from self.passes("client", reply, recorded=True)
        return reply.value

    # -- what the tap does with it ------------------------------------------------------------

    def passes(
        self, towards: Towards, message: Message, *, recorded: bool = False
    ) -> Generator[float, None, None]:
        """Let a message go on, as soon as nobody holds it."""
        yield _WAY
        yield from self._free()
        trap = self.tap.trap_for(self, towards, message)
        if trap is not None and not trap.point.after:
            self._catch(trap, towards, message)
            yield from self._free()
        if not recorded:
            self.tap.take(message)
        if trap is not None and trap.point.after:
            self._catch(trap, towards, message)

    def _catch(self, trap: Trap, towards: Towards, message: Message) -> None:
        trap.wire = self
        self.hold(towards, trap.point.name)
        at = self.tap.moment()
        trap.hit = RemoteHit(self.number, self.address, message, at)

    def _free(self) -> Generator[float, None, None]:
        while self.held or self.address in self.tap.held or self.tap.silent or self.severed:
            if not self.open:
                break
            yield _LOOK
        if not self.open:
            raise Lost

    def hold(self, towards: Towards, point: str = "") -> None:
        if self.held is None:
            self.held = towards
            self.tap.take(ConnectionHeld(self.number, towards, point))

    def release(self) -> None:
        if self.held is not None:
            self.tap.take(ConnectionReleased(self.number, self.held))
            self.held = None
        if self._leaves:
            self.closed("client")

    def cut(self) -> None:
        if self.open:
            if not self.severed:
                self.tap.take(ConnectionCut(self.number))
            self.closed("tap")

    def sever(self) -> None:
        if self.open and not self.severed:
            self.tap.take(ConnectionCut(self.number))
            self.severed = True
            self.tap.world.later(_WAY, lambda: self.tap.lost(self))

    @property
    def left_behind(self) -> bool:
        """Whether its worker is no more, or it was ended for the broker."""
        return self.severed or self._leaves

    def closed(self, by: Any) -> None:
        """It is over; what its worker said last is not held back only to come after that."""
        if self.open and by == "client" and (self.held or self.address in self.tap.held):
            self._leaves = True
        elif self.open:
            self.open = False
            self.tap.take(ConnectionClosed(self.number, by))
            if not self.severed:
                self.tap.lost(self)


class Tap:
    """All connections to a broker, and what is to be done with them."""

    def __init__(self, world: World, epoch: float, reads: Callable[[float, Record], Any]) -> None:
        self.world, self._epoch, self._reads = world, epoch, reads
        self.traps: list[Trap] = []
        self.wires: list[Wire] = []
        self.held: set[str] = set()
        self.silent = False
        self.redis = Redis(self.take, self.moment)
        #: Is told of connections that come, and of those that are over.
        self.opened: Callable[[Wire], None] = lambda wire: None  # noqa: ARG005
        self.lost: Callable[[Wire], None] = lambda wire: None  # noqa: ARG005

    def moment(self) -> float:
        """Seconds since 1970."""
        return self._epoch + self.world.now

    def take(self, record: Record) -> None:
        """Record something: the reader makes events of it."""
        for what in self._reads(self.moment(), record):
            self.world.see("tap", what)

    def connect(self, address: str) -> Wire:
        wire = Wire(self, len(self.wires) + 1, address)
        self.wires.append(wire)
        self.take(ConnectionOpened(wire.number, address, 5000 + wire.number, wire.client))
        self.opened(wire)
        if address in self.held:
            wire.hold("broker")
        return wire

    def trap_for(self, wire: Wire, towards: Towards, message: Message) -> Trap | None:
        for trap in self.traps:
            mine = trap.address in (None, wire.address)
            if mine and trap.point.towards == towards and trap.point.fits(message):
                self.traps.remove(trap)
                return trap
        return None

    # -- as a remote tap ----------------------------------------------------------------------

    def set_breakpoint(self, point: Point, address: str | None = None) -> Trap:
        trap = Trap(self, point, address)
        self.traps.append(trap)
        return trap

    def hold(self, address: str) -> None:
        self.held.add(address)
        for wire in self._of(address):
            wire.hold("broker")

    def release(self, address: str) -> None:
        self.held.discard(address)
        for wire in self._of(address):
            wire.release()

    def cut(self, address: str) -> None:
        for wire in self._of(address):
            wire.cut()

    def sever(self, address: str) -> None:
        """End a client's connections for the broker; the client hears nothing, and is held."""
        self.hold(address)
        for wire in self._of(address):
            wire.sever()

    def let_back(self, address: str) -> None:
        """Break what one that is no more has left; its successor goes on."""
        self.held.discard(address)
        for wire in self._of(address):
            if wire.left_behind:
                wire.cut()
            else:
                wire.release()

    def hold_all(self) -> None:
        self.silent = True

    def sync(self, timeout: float = 0.0) -> None:
        """All records have been taken at once."""

    def reset(self) -> None:
        self.traps.clear()

    def check(self) -> None:
        """It is never lost."""

    def _of(self, address: str) -> list[Wire]:
        return [wire for wire in self.wires if wire.address == address and wire.open]
