"""The control port: one client at a time receives all records and controls the proxy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec

from harness.core.errors import InfrastructureError
from harness.tap.control import messages
from harness.tap.control.messages import Answer, Done, Frames, Refused, Request
from harness.tap.control.outbox import RecordOutbox
from harness.tap.proxy.proxy import Breakpoint, BreakpointHit, Proxy


class Control:
    """The operations of the attached client on a proxy, whose records are in `outbox`.

    `sync` returns once all earlier actions of the broker are recorded.
    """

    def __init__(
        self, proxy: Proxy, outbox: RecordOutbox, sync: Callable[[], Awaitable[None]]
    ) -> None:
        self._proxy, self._outbox, self._sync = proxy, outbox, sync
        self._breakpoints: dict[int, Breakpoint] = {}
        self._attached: _Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._handlers: dict[type[Request], Callable[[Any], None]] = {
            messages.SetBreakpoint: self._set_breakpoint,
            messages.ClearBreakpoint: self._clear_breakpoint,
            messages.Release: lambda request: self._hit_of(request.trap).release(),
            messages.CutHit: lambda request: self._hit_of(request.trap).cut(),
            messages.Hold: lambda request: proxy.hold(request.address),
            messages.Slow: lambda request: proxy.slow(request.address, request.seconds),
            messages.HoldAll: lambda _: proxy.hold_all(),
            messages.ReleaseAll: lambda request: proxy.release(request.address),
            messages.Cut: lambda request: proxy.cut(request.address),
            messages.Sever: lambda request: proxy.sever(request.address),
            messages.LetBack: lambda request: proxy.let_back(request.address),
        }

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port, which the system chooses when `port` is 0."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), host, port)
        except OSError as error:
            raise InfrastructureError(
                f"the tap cannot listen for its control on {host}:{port}", seen=str(error)
            ) from None
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._attached is not None:
            self._attached.transport.close()

    # -- for its connections ------------------------------------------------------------------

    def asked(self, connection: _Connection, request: Request) -> None:
        """Execute a request, and answer it."""
        if isinstance(request, messages.Attach):
            self._attach(connection, request)
        elif connection is not self._attached:
            connection.say(Refused(request.request, "this connection is not attached"))
        elif isinstance(request, messages.Reset):
            self._breakpoints.clear()
            self._answer_later(request, self._proxy.reset)
        elif isinstance(request, messages.Sync):
            self._answer_later(request, self._sync)
        else:
            self._outbox.say(self._execute(request))

    def left(self, connection: _Connection) -> None:
        """Release everything that is held when the attached client disconnects.

        No other client could release it.
        """
        if connection is self._attached:
            self._attached = None
            self._outbox.attach(None)
            self._breakpoints.clear()
            self._proxy.release_all()

    # -- what is asked for --------------------------------------------------------------------

    def _attach(self, connection: _Connection, request: messages.Attach) -> None:
        if self._attached not in (None, connection):
            connection.say(Refused(request.request, "somebody else controls this tap"))
            return
        self._attached = connection
        connection.say(Done(request.request))
        self._outbox.attach(connection.transport)

    def _execute(self, request: Request) -> Answer:
        try:
            self._handlers[type(request)](request)
        except LookupError as error:
            return Refused(request.request, str(error.args[0]))
        return Done(request.request)

    def _answer_later(self, request: Request, work: Callable[[], Awaitable[None]]) -> None:
        """Answer when `work` is done; other requests are served in the meantime."""
        asked_by = self._attached

        async def run() -> None:
            answer: Answer = Done(request.request)
            try:
                await work()
            except InfrastructureError as error:
                answer = Refused(request.request, str(error))
            if self._attached is asked_by:
                self._outbox.say(answer)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _set_breakpoint(self, request: messages.SetBreakpoint) -> None:
        if request.trap in self._breakpoints:
            raise LookupError(f"there is a trap {request.trap} already")
        breakpoint_ = self._proxy.set_breakpoint(request.point, request.address)
        self._breakpoints[request.trap] = breakpoint_
        breakpoint_.tell(lambda caught: self._on_hit(request.trap, breakpoint_, caught))

    def _clear_breakpoint(self, request: messages.ClearBreakpoint) -> None:
        if breakpoint_ := self._breakpoints.get(request.trap):
            breakpoint_.clear()

    def _on_hit(self, number: int, trap: Breakpoint, caught: BreakpointHit) -> None:
        if self._breakpoints.get(number) is trap:  # else its owner has disconnected in the meantime
            link, message = caught.link, caught.message
            self._outbox.say(messages.Hit(number, link.number, link.address, message, time.time()))

    def _breakpoint(self, number: int) -> Breakpoint:
        try:
            return self._breakpoints[number]
        except KeyError:
            raise LookupError(f"there is no trap {number}") from None

    def _hit_of(self, number: int) -> BreakpointHit:
        hit = self._breakpoint(number).hit
        if hit is None:
            raise LookupError(f"the trap {number} has caught nobody")
        return hit


class _Connection(asyncio.Protocol):
    """A connection to the control port; one that sends nothing (a probe) changes nothing."""

    transport: asyncio.Transport

    def __init__(self, control: Control) -> None:
        self._control, self._frames = control, Frames()

    def say(self, answer: Answer) -> None:
        """Send an answer directly to this connection, which need not be attached."""
        self.transport.write(messages.frame(answer))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by duck typing

    def data_received(self, data: bytes) -> None:
        try:
            for request in self._frames.requests(data):
                self._control.asked(self, request)
        except msgspec.DecodeError as error:
            self.say(Refused(0, f"this is no request: {error}"))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._control.left(self)
