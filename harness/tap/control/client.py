"""A tap that runs elsewhere, for threads: every call waits for the tap's answer, with a bound."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError, TimedOut
from harness.history import BrokerLost
from harness.tap.control import messages
from harness.tap.control.messages import Answer, Frames, Request
from harness.tap.points import Point
from harness.tap.records import Message, RawFeedData, Record
from harness.tap.redis_feed.parser import FeedParser

#: Seconds for a tap to be reached and free, and for one answer. Reset waits for connections.
_ATTACH, _ANSWER, _RESET = 15.0, 45.0, 45.0
_CHUNK = 1024 * 1024


class RemoteHit(NamedTuple):
    """Whom a trap has caught: `message` is held, or has just passed (a point `after` it).

    `at` is when, in seconds since 1970 by the tap's clock.
    """

    connection: int
    address: str
    message: Message
    at: float


class BreakpointHandle:
    """Waits at a point for the first who comes by, at most once."""

    def __init__(self, tap: TapClient, number: int, point: Point, address: str | None) -> None:
        self.point, self.address = point, address
        self._tap, self._number = tap, number
        self._caught: RemoteHit | None = None
        self._over = threading.Event()

    def caught(self, timeout: float) -> RemoteHit:
        """Who was caught, at once or within `timeout` seconds.

        All records of what came before have been taken by `on_record` then. `TimedOut` disarms
        the trap; `InfrastructureError` says that the tap is lost.
        """
        if not self._over.wait(timeout):
            self.clear()  # somebody may have been caught just before it
        if self._caught is not None:
            return self._caught
        self._tap.check()
        raise TimedOut(
            f"waited {timeout:g} s in vain for somebody at the point {self.point.name!r}",
            expected=f"a message there from {self.address or 'anybody'}",
            seen="nobody came by",
        )

    @property
    def hit(self) -> RemoteHit | None:
        """Who was caught, as far as the tap has told."""
        return self._caught

    def release(self) -> None:
        """Let it go on."""
        self._tap.ask(lambda number: messages.Release(number, self._number))

    def cut(self) -> None:
        """Break the connection; what is held never arrives."""
        self._tap.ask(lambda number: messages.CutHit(number, self._number))

    def clear(self) -> None:
        """Catch nobody any more; who was caught already stays held."""
        self._tap.ask(lambda number: messages.ClearBreakpoint(number, self._number))

    def trigger(self, caught: RemoteHit | None) -> None:
        """For the tap: somebody was caught, or (None) nobody will be."""
        if not self._over.is_set():
            self._caught = caught
            self._over.set()


class TapClient:
    """The tap whose control is at a host and port. Safe to share between threads.

    `on_record` gets each record with its time (seconds since 1970, by the tap's clock), in order,
    in a thread of its own, in which no method of this may be called. `on_lost` says, at most once
    and in that thread, why there will be no more, unless it is for `close`; from then on all
    methods raise `InfrastructureError`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_record: Callable[[float, Record], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._on_record, self._on_lost = on_record, on_lost
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: dict[int, _Pending] = {}
        self._traps: dict[int, BreakpointHandle] = {}
        self._why = ""
        self._closed = False
        self._reading = FeedParser()
        # One who had it before may still be on the way out.
        self._frames = Frames()
        self._socket, early = wait_until(
            f"the tap at {host}:{port} to be free",
            lambda: _attach(host, port, self._frames),
            timeout=_ATTACH,
            interval=0.1,
        )
        self._thread = threading.Thread(target=self._read, args=(early,), name="tap", daemon=True)
        self._thread.start()

    def set_breakpoint(self, point: Point, address: str | None = None) -> BreakpointHandle:
        """From now on wait for the next message at this point, from one client or from anybody."""
        trap_number = next(self._numbers)
        trap = BreakpointHandle(self, trap_number, point, address)
        self._traps[trap_number] = trap
        self.ask(lambda number: messages.SetBreakpoint(number, trap_number, point, address))
        return trap

    def hold(self, address: str) -> None:
        """Let nothing pass from or to this client, on connections that are there or come."""
        self.ask(lambda number: messages.Hold(number, address))

    def slow(self, address: str, seconds: float) -> None:
        """Let what this client says and hears arrive so much later, until it is told 0."""
        self.ask(lambda number: messages.Slow(number, address, seconds))

    def hold_all(self) -> None:
        """Let nothing pass any more, from whomever it comes, until `reset`."""
        self.ask(messages.HoldAll)

    def release(self, address: str) -> None:
        """Let all go on that is held of this client, wherever it was caught."""
        self.ask(lambda number: messages.ReleaseAll(number, address))

    def cut(self, address: str) -> None:
        """Break all connections of this client; it may come again."""
        self.ask(lambda number: messages.Cut(number, address))

    def sever(self, address: str) -> None:
        """End this client's connections for the broker, as its death would; it hears nothing.

        What it says from now on is held.
        """
        self.ask(lambda number: messages.Sever(number, address))

    def let_back(self, address: str) -> None:
        """Break the connections of a client that is no more; those of its successor go on."""
        self.ask(lambda number: messages.LetBack(number, address))

    def reset(self) -> None:
        """Disarm all traps, hold nobody, break all connections; returns when they have ended."""
        self.ask(messages.Reset, timeout=_RESET)
        self._traps.clear()

    def sync(self, timeout: float = _ANSWER) -> None:
        """Returns when `on_record` has taken all records of what the broker did before this."""
        self.ask(messages.Sync, timeout=timeout)

    def close(self) -> None:
        """Let go of the tap: what it holds goes on. May be called twice."""
        with self._lock:
            self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_ANSWER)
        self._socket.close()

    def __enter__(self) -> TapClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- for traps ----------------------------------------------------------------------------

    def ask(self, make: Callable[[int], Request], timeout: float = _ANSWER) -> None:
        """Send the request that `make` makes of a number; returns when it was done."""
        pending = _Pending(next(self._numbers))
        request = make(pending.number)
        with self._lock:
            self.check()
            self._open[pending.number] = pending
            try:
                self._socket.sendall(messages.frame(request))
            except OSError as error:
                raise InfrastructureError("the tap cannot be told", seen=str(error)) from error
        if not pending.over.wait(timeout):
            raise TimedOut(
                f"waited {timeout:g} s in vain for the tap to answer",
                expected=f"an answer to {request}",
                seen="none",
            )
        if pending.why:
            raise InfrastructureError(
                "the tap has not done what it was told", expected=f"{request}", seen=pending.why
            )

    def check(self) -> None:
        """Raise `InfrastructureError` when the tap is lost."""
        if self._why:
            raise InfrastructureError("the tap is lost", seen=self._why)

    # -- the reading thread -------------------------------------------------------------------

    def _read(self, early: list[Answer]) -> None:
        why = "it has ended the connection"
        try:
            for answer in early:
                self._take(answer)
            while data := self._socket.recv(_CHUNK):
                for answer in self._frames.answers(data):
                    self._take(answer)
        except (OSError, msgspec.DecodeError) as error:
            why = str(error)
        # Whatever else `on_record` may meet: nobody must wait for a thread that is no more.
        except Exception as error:
            why = f"a record could not be taken: {type(error).__name__}: {error}"
        self._end(why)

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, messages.RecordBatch):
            for one in answer.told:
                self._tell(one.at, one.record)
        elif isinstance(answer, messages.Hit):
            if trap := self._traps.get(answer.trap):
                caught = RemoteHit(answer.connection, answer.address, answer.message, answer.at)
                trap.trigger(caught)
        elif pending := self._open.pop(answer.request, None):
            pending.why = answer.why if isinstance(answer, messages.Refused) else ""
            pending.over.set()

    def _tell(self, at: float, record: Record | RawFeedData) -> None:
        if not isinstance(record, RawFeedData):
            if isinstance(record, BrokerLost):  # half a command may be the last that it has said
                self._reading = FeedParser()
            self._on_record(at, record)
            return
        for read in self._reading.read(record):
            self._on_record(at, read)

    def _end(self, why: str) -> None:
        with self._lock:
            self._why = why
            closed, pending = self._closed, list(self._open.values())
            self._open.clear()
        for one in pending:
            one.why = why
            one.over.set()
        for trap in list(self._traps.values()):
            trap.trigger(None)
        if not closed:
            self._on_lost(why)


class _Pending:
    """A request without an answer so far."""

    def __init__(self, number: int) -> None:
        self.number, self.why = number, ""
        self.over = threading.Event()


def _attach(host: str, port: int, frames: Frames) -> tuple[socket.socket, list[Answer]]:
    """A connection that gets the records, and what has come on it already."""
    try:
        found = socket.create_connection((host, port), timeout=_ANSWER)
    except OSError as error:
        raise NotYet(f"{error}") from error
    try:
        found.sendall(messages.frame(messages.Attach(0)))
        answers: list[Answer] = []
        while not answers:
            data = found.recv(_CHUNK)
            if not data:
                raise NotYet("it has ended the connection")
            answers += frames.answers(data)
        first = answers.pop(0)
        if isinstance(first, messages.Refused):
            raise NotYet(first.why)
    except OSError as error:
        found.close()
        raise NotYet(f"{error}") from error
    except NotYet:
        found.close()
        raise
    found.settimeout(None)
    return found, answers
