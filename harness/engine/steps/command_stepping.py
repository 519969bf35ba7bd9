"""Let workers run one broker command at a time.

So the harness knows at once what each command changes.
"""

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

#: Any command that a worker sends to Redis.
ANY = Point("any command", "broker", "command")
#: Seconds until the change of a command is recorded: the interpreter waits to see if more follows a
#: lone removal.
_RECORD_DELAY = 1.0
#: Seconds between two checks which workers are held.
_CHECK_INTERVAL = 0.05
#: Commands that change nothing, so there is no change to wait for.
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
    """Hold every worker at its next command, and resume each one command by command."""

    context: ScenarioContext
    #: Addresses of clients that the harness does not hold.
    but: Collection[str] = ()
    _breakpoints: dict[str, BreakpointHandle] = field(default_factory=dict)
    #: Address → earliest time to resume, while the change of its last command may not be recorded
    #: yet.
    _resume_times: dict[str, float] = field(default_factory=dict)

    def until(
        self, done: Callable[[Sequence[Event]], T | None], timeout: float, since: float = 0.0
    ) -> T | None:
        """Resume all workers, step by step, until `done` returns a result.

        Returns:
            The result of `done`; None if there is none within `timeout` seconds. Before the moment
            `since` (seconds since the start of the run) the harness holds no worker.
        """
        context = self.context
        elapsed = context.recorder.elapsed
        deadline = elapsed() + timeout
        if (head_start := min(since, deadline) - elapsed()) > 0:
            result = context.recorder.wait_or_none("what others do", done, head_start)
            if result is not None:
                return result
        while elapsed() < deadline:
            self._set_breakpoints()
            result = context.recorder.wait_or_none("a worker's next step", done, _CHECK_INTERVAL)
            if result is not None:
                return result
            for address, handle in list(self._breakpoints.items()):
                if handle.hit is not None and self._may_resume(address):
                    self._step(address, handle)
        return None

    def end(self, but: str = "") -> None:
        """Remove all breakpoints and release every held worker, except the one at `but`."""
        for address, handle in self._breakpoints.items():
            self.context.clear_breakpoints(handle)
            if address != but:
                self.context.testbed.tap.release(address)
        self._breakpoints.clear()

    def _set_breakpoints(self) -> None:
        """Set one breakpoint for each worker that is at work."""
        for worker in conditions.at_work(self.context.recorder.events):
            address = self.context.pod(worker).address
            if address and address not in self._breakpoints and address not in self.but:
                self._breakpoints[address] = self.context.set_breakpoint(ANY, address)

    def _may_resume(self, address: str) -> bool:
        return self.context.recorder.elapsed() >= self._resume_times.get(address, 0.0)

    def _step(self, address: str, trap: BreakpointHandle) -> None:
        next_handle = self.context.set_breakpoint(ANY, address)
        self.context.resume(trap)
        self._breakpoints[address] = next_handle
        hit = trap.hit
        message = hit.message if hit else None
        if isinstance(message, Command) and message.name not in _READS:
            self._resume_times[address] = self.context.recorder.elapsed() + _RECORD_DELAY


def changed(item: Payload, but: str, after: int) -> Callable[[Sequence[Event]], Event | None]:
    """Return a condition: another client changed the item, after the event `after`.

    `but` is the address whose own connections do not count.
    """

    def find(events: Sequence[Event]) -> Event | None:
        own_connections = conditions.connections_of(events, but)
        for event in events:
            data = event.what
            if event.id <= after:
                continue
            if not isinstance(data, (ItemDelivered, ItemReclaimed, ItemReturned, ItemSettled)):
                continue
            if data.item == item and data.connection and data.connection not in own_connections:
                return event
        return None

    return find
