"""A remote tap, for threads: every call waits for the tap's answer, with a time limit."""

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

#: Seconds for a tap to be reachable and free, and for one answer. Reset waits for connections.
_ATTACH, _ANSWER, _RESET = 15.0, 45.0, 45.0
_CHUNK = 1024 * 1024


class RemoteHit(NamedTuple):
    """A connection that hit a breakpoint."""

    connection: int
    address: str
    #: It is held, or has just passed (at a point with `after`).
    message: Message
    #: Seconds since 1970, by the tap's clock.
    at: float


class BreakpointHandle:
    """A breakpoint: waits at a point for the first matching message; hit at most once."""

    def __init__(self, tap: TapClient, number: int, point: Point, address: str | None) -> None:
        self.point, self.address = point, address
        self._tap, self._number = tap, number
        self._hit: RemoteHit | None = None
        self._settled = threading.Event()

    def caught(self, timeout: float) -> RemoteHit:
        """Return the hit, at once or within `timeout` seconds.

        `on_record` has received all earlier records by then. With `TimedOut` the breakpoint is
        cleared; `InfrastructureError` means that the tap is lost.
        """
        if not self._settled.wait(timeout):
            self.clear()  # a connection may have hit it just before
        if self._hit is not None:
            return self._hit
        self._tap.check()
        raise TimedOut(
            f"waited {timeout:g} s in vain for somebody at the point {self.point.name!r}",
            expected=f"a message there from {self.address or 'anybody'}",
            seen="nobody came by",
        )

    @property
    def hit(self) -> RemoteHit | None:
        """The hit, as far as the tap has reported it."""
        return self._hit

    def release(self) -> None:
        """Resume the connection."""
        self._tap.ask(lambda number: messages.Release(number, self._number))

    def cut(self) -> None:
        """Break the connection; held messages never arrive."""
        self._tap.ask(lambda number: messages.CutHit(number, self._number))

    def clear(self) -> None:
        """Clear the breakpoint; a connection that hit it stays held."""
        self._tap.ask(lambda number: messages.ClearBreakpoint(number, self._number))

    def trigger(self, caught: RemoteHit | None) -> None:
        """Set the hit, or (None) give it up; only the tap client calls this."""
        if not self._settled.is_set():
            self._hit = caught
            self._settled.set()


class TapClient:
    """The tap with its control port at a host and port; safe to share between threads.

    `on_record` receives each record with its time (seconds since 1970, by the tap's clock), in
    order, in a separate thread, which must not call any method of this class. `on_lost` receives in
    that thread, at most once, the reason why no more records follow, unless `close` is the reason.
    From then on all methods raise `InfrastructureError`.
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
        self._requests: dict[int, _Pending] = {}
        self._breakpoints: dict[int, BreakpointHandle] = {}
        self._lost_reason = ""
        self._closed = False
        self._parser = FeedParser()
        # The previous client may still be disconnecting.
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
        """Set a breakpoint for the next message at this point, from one client or any."""
        breakpoint_number = next(self._numbers)
        handle = BreakpointHandle(self, breakpoint_number, point, address)
        self._breakpoints[breakpoint_number] = handle
        self.ask(lambda number: messages.SetBreakpoint(number, breakpoint_number, point, address))
        return handle

    def hold(self, address: str) -> None:
        """Hold all messages from and to this client, on existing and new connections."""
        self.ask(lambda number: messages.Hold(number, address))

    def slow(self, address: str, seconds: float) -> None:
        """Delay the messages from and to this client by so many seconds; 0 ends the delay."""
        self.ask(lambda number: messages.Slow(number, address, seconds))

    def hold_all(self) -> None:
        """Hold all messages of all clients, until `reset`."""
        self.ask(messages.HoldAll)

    def release(self, address: str) -> None:
        """Forward everything that is held for this client, including breakpoint hits."""
        self.ask(lambda number: messages.ReleaseAll(number, address))

    def cut(self, address: str) -> None:
        """Break all connections of this client; it may connect again."""
        self.ask(lambda number: messages.Cut(number, address))

    def sever(self, address: str) -> None:
        """End this client's connections at the broker's side, as its death would do.

        The client receives nothing more on them; what it sends from now on is held.
        """
        self.ask(lambda number: messages.Sever(number, address))

    def let_back(self, address: str) -> None:
        """Break the connections of a dead client; those of its successor are released."""
        self.ask(lambda number: messages.LetBack(number, address))

    def reset(self) -> None:
        """Clear all breakpoints and holds, break all connections; return when they have ended."""
        self.ask(messages.Reset, timeout=_RESET)
        self._breakpoints.clear()

    def sync(self, timeout: float = _ANSWER) -> None:
        """Return when `on_record` has received the records of all earlier actions of the broker."""
        self.ask(messages.Sync, timeout=timeout)

    def close(self) -> None:
        """Disconnect from the tap: what it holds goes on; may be called twice."""
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

    # -- for breakpoints ----------------------------------------------------------------------

    def ask(self, make: Callable[[int], Request], timeout: float = _ANSWER) -> None:
        """Send the request that `make` returns for a number; return when the tap has done it."""
        pending = _Pending(next(self._numbers))
        request = make(pending.number)
        with self._lock:
            self.check()
            self._requests[pending.number] = pending
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
        if self._lost_reason:
            raise InfrastructureError("the tap is lost", seen=self._lost_reason)

    # -- the reading thread -------------------------------------------------------------------

    def _read(self, early: list[Answer]) -> None:
        why = "it has ended the connection"
        try:
            for answer in early:
                self._handle(answer)
            while data := self._socket.recv(_CHUNK):
                for answer in self._frames.answers(data):
                    self._handle(answer)
        except (OSError, msgspec.DecodeError) as error:
            why = str(error)
        # No caller may wait for a thread that has died, so catch any error of `on_record`.
        except Exception as error:
            why = f"a record could not be taken: {type(error).__name__}: {error}"
        self._end(why)

    def _handle(self, answer: Answer) -> None:
        if isinstance(answer, messages.RecordBatch):
            for message in answer.told:
                self._deliver(message.at, message.record)
        elif isinstance(answer, messages.Hit):
            if breakpoint_handle := self._breakpoints.get(answer.trap):
                hit = RemoteHit(answer.connection, answer.address, answer.message, answer.at)
                breakpoint_handle.trigger(hit)
        elif pending := self._requests.pop(answer.request, None):
            pending.why = answer.why if isinstance(answer, messages.Refused) else ""
            pending.over.set()

    def _deliver(self, at: float, record: Record | RawFeedData) -> None:
        if not isinstance(record, RawFeedData):
            if isinstance(record, BrokerLost):  # its last command may be incomplete
                self._parser = FeedParser()
            self._on_record(at, record)
            return
        for parsed_record in self._parser.read(record):
            self._on_record(at, parsed_record)

    def _end(self, why: str) -> None:
        with self._lock:
            self._lost_reason = why
            closed, pending = self._closed, list(self._requests.values())
            self._requests.clear()
        for request in pending:
            request.why = why
            request.over.set()
        for handle in list(self._breakpoints.values()):
            handle.trigger(None)
        if not closed:
            self._on_lost(why)


class _Pending:
    """A request without an answer so far."""

    def __init__(self, number: int) -> None:
        self.number, self.why = number, ""
        self.over = threading.Event()


def _attach(host: str, port: int, frames: Frames) -> tuple[socket.socket, list[Answer]]:
    """Return a connection that receives the records, and the answers that it already has."""
    try:
        connection = socket.create_connection((host, port), timeout=_ANSWER)
    except OSError as error:
        raise NotYet(f"{error}") from error
    try:
        connection.sendall(messages.frame(messages.Attach(0)))
        answers: list[Answer] = []
        while not answers:
            data = connection.recv(_CHUNK)
            if not data:
                raise NotYet("it has ended the connection")
            answers += frames.answers(data)
        first = answers.pop(0)
        if isinstance(first, messages.Refused):
            raise NotYet(first.why)
    except (OSError, msgspec.DecodeError) as error:
        connection.close()
        raise NotYet(f"{error}") from error
    except NotYet:
        connection.close()
        raise
    connection.settimeout(None)
    return connection, answers
