"""Workers that are let go on command by command: what each of them changes is known at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import (
    Event,
    ItemDelivered,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    Payload,
)
from harness.tap.control.client import BreakpointHandle
from harness.tap.points import Point
from harness.tap.records import Command

T = TypeVar("T")

#: Whatever a worker asks Redis for.
ANY = Point("any command", "broker", "command")
#: Seconds for what a command has changed to be told: a lone removal is one when no more follows.
_TOLD = 1.0
#: Seconds between two looks at who is held.
_LOOK = 0.05
#: They change nothing, so there is nothing to wait for.
_READS = frozenset(
    word.decode()
    for word in (
        b"AUTH CLIENT HELLO PING SELECT INFO ECHO TIME WATCH UNWATCH MULTI QUIT SCRIPT SUBSCRIBE "
        b"EXISTS GET MGET TYPE TTL PTTL STRLEN LLEN LRANGE LINDEX LPOS HGET HMGET HGETALL HLEN "
        b"HEXISTS HKEYS HVALS SCARD SMEMBERS SISMEMBER ZCARD ZCOUNT ZRANGE ZRANGEBYSCORE "
        b"ZREVRANGEBYSCORE ZSCORE ZRANK XLEN XRANGE XPENDING XINFO KEYS SCAN HSCAN ZSCAN SSCAN"
    ).split()
)


@dataclass
class CommandStepping:
    """Holds each of some workers at its next command, until it is let go on to the one after it."""

    stage: ScenarioContext
    #: Clients that are left alone.
    but: Collection[str] = ()
    _traps: dict[str, BreakpointHandle] = field(default_factory=dict)
    #: Whose last command may have changed something that is not told yet, and until when.
    _waits: dict[str, float] = field(default_factory=dict)

    def until(
        self, done: Callable[[Sequence[Event]], T | None], timeout: float, since: float = 0.0
    ) -> T | None:
        """Let all go on, step by step, until `done` gives something; None when it never does.

        Before the moment `since` nobody is held.
        """
        stage = self.stage
        moment = stage.recorder.elapsed
        deadline = moment() + timeout
        if (early := min(since, deadline) - moment()) > 0:
            found = stage.recorder.wait_or_none("what others do", done, early)
            if found is not None:
                return found
        while moment() < deadline:
            self._arm()
            found = stage.recorder.wait_or_none("a worker's next step", done, _LOOK)
            if found is not None:
                return found
            for address, trap in list(self._traps.items()):
                if trap.hit is not None and self._may_go_on(address):
                    self._go_on(address, trap)
        return None

    def end(self, but: str = "") -> None:
        """Step nobody any more; who is held goes on, except one."""
        for address, trap in self._traps.items():
            self.stage.clear_breakpoints(trap)
            if address != but:
                self.stage.testbed.tap.release(address)
        self._traps.clear()

    def _arm(self) -> None:
        """One trap for each worker that has come."""
        for worker in conditions.at_work(self.stage.recorder.events):
            address = self.stage.pod(worker).address
            if address and address not in self._traps and address not in self.but:
                self._traps[address] = self.stage.set_breakpoint(ANY, address)

    def _may_go_on(self, address: str) -> bool:
        return self.stage.recorder.elapsed() >= self._waits.get(address, 0.0)

    def _go_on(self, address: str, trap: BreakpointHandle) -> None:
        following = self.stage.set_breakpoint(ANY, address)
        self.stage.resume(trap)
        self._traps[address] = following
        caught = trap.hit
        message = caught.message if caught else None
        if isinstance(message, Command) and message.name not in _READS:
            self._waits[address] = self.stage.recorder.elapsed() + _TOLD


def changed(item: Payload, but: str, after: int) -> Callable[[Sequence[Event]], Event | None]:
    """What somebody else than the one at an address has done with an item, after an event."""

    def find(events: Sequence[Event]) -> Event | None:
        its = conditions.connections_of(events, but)
        for event in events:
            what = event.what
            if event.id <= after:
                continue
            if not isinstance(what, (ItemDelivered, ItemReclaimed, ItemReturned, ItemSettled)):
                continue
            if what.item == item and what.connection and what.connection not in its:
                return event
        return None

    return find
