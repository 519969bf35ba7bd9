"""The control port: one client at a time gets all records and says what to stop."""

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
    """What the attached client may do to a proxy, whose records are in `outbox`.

    `sync` returns once all that the broker has done so far is recorded.
    """

    def __init__(
        self, proxy: Proxy, outbox: RecordOutbox, sync: Callable[[], Awaitable[None]]
    ) -> None:
        self._proxy, self._outbox, self._sync = proxy, outbox, sync
        self._traps: dict[int, Breakpoint] = {}
        self._attached: _Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._does: dict[type[Request], Callable[[Any], None]] = {
            messages.SetBreakpoint: self._arm,
            messages.ClearBreakpoint: self._disarm,
            messages.Release: lambda it: self._prey(it.trap).release(),
            messages.CutHit: lambda it: self._prey(it.trap).cut(),
            messages.Hold: lambda it: proxy.hold(it.address),
            messages.Slow: lambda it: proxy.slow(it.address, it.seconds),
            messages.HoldAll: lambda _: proxy.hold_all(),
            messages.ReleaseAll: lambda it: proxy.release(it.address),
            messages.Cut: lambda it: proxy.cut(it.address),
            messages.Sever: lambda it: proxy.sever(it.address),
            messages.LetBack: lambda it: proxy.let_back(it.address),
        }

    async def start(self, host: str, port: int) -> int:
        """Listen; the port that it is, when `port` is 0."""
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
        """Do it, and answer."""
        if isinstance(request, messages.Attach):
            self._attach(connection, request)
        elif connection is not self._attached:
            connection.say(Refused(request.request, "this connection is not attached"))
        elif isinstance(request, messages.Reset):
            self._traps.clear()
            self._in_time(request, self._proxy.reset)
        elif isinstance(request, messages.Sync):
            self._in_time(request, self._sync)
        else:
            self._outbox.say(self._done(request))

    def left(self, connection: _Connection) -> None:
        """Nobody would let go of what is held: so it goes on."""
        if connection is self._attached:
            self._attached = None
            self._outbox.attach(None)
            self._traps.clear()
            self._proxy.release_all()

    # -- what is asked for --------------------------------------------------------------------

    def _attach(self, connection: _Connection, request: messages.Attach) -> None:
        if self._attached not in (None, connection):
            connection.say(Refused(request.request, "somebody else controls this tap"))
            return
        self._attached = connection
        connection.say(Done(request.request))
        self._outbox.attach(connection.transport)

    def _done(self, request: Request) -> Answer:
        try:
            self._does[type(request)](request)
        except LookupError as error:
            return Refused(request.request, str(error.args[0]))
        return Done(request.request)

    def _in_time(self, request: Request, work: Callable[[], Awaitable[None]]) -> None:
        """Answer when `work` is done; others are served in the meantime."""
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

    def _arm(self, request: messages.SetBreakpoint) -> None:
        if request.trap in self._traps:
            raise LookupError(f"there is a trap {request.trap} already")
        trap = self._proxy.set_breakpoint(request.point, request.address)
        self._traps[request.trap] = trap
        trap.tell(lambda caught: self._caught(request.trap, trap, caught))

    def _disarm(self, request: messages.ClearBreakpoint) -> None:
        if trap := self._traps.get(request.trap):
            trap.clear()

    def _caught(self, number: int, trap: Breakpoint, caught: BreakpointHit) -> None:
        if self._traps.get(number) is trap:  # else its owner has gone in the meantime
            link, message = caught.link, caught.message
            self._outbox.say(messages.Hit(number, link.number, link.address, message, time.time()))

    def _trap(self, number: int) -> Breakpoint:
        try:
            return self._traps[number]
        except KeyError:
            raise LookupError(f"there is no trap {number}") from None

    def _prey(self, number: int) -> BreakpointHit:
        prey = self._trap(number).hit
        if prey is None:
            raise LookupError(f"the trap {number} has caught nobody")
        return prey


class _Connection(asyncio.Protocol):
    """Somebody at the control port. Who says nothing (a probe) changes nothing."""

    transport: asyncio.Transport

    def __init__(self, control: Control) -> None:
        self._control, self._frames = control, Frames()

    def say(self, answer: Answer) -> None:
        """Straight to this one, who need not be attached."""
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
