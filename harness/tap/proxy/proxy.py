"""The proxy: listens in place of the broker, and lets its owner stop messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.core.errors import InfrastructureError, TimedOut
from harness.history import Towards
from harness.tap.points import Point
from harness.tap.protocols.base import Decoder
from harness.tap.proxy.connection import ConnectionBreakpoint, Endpoint, ProxiedConnection
from harness.tap.records import Message, Sink

#: Seconds to connect to the broker.
_CONNECT_TIMEOUT = 10.0
#: Seconds for all connections to end after they are cut.
_CUT_TIMEOUT = 10.0


class BreakpointHit:
    """A connection that reached a point: `message` is held, or has just passed (`after`)."""

    def __init__(self, link: ProxiedConnection, point: Point, message: Message) -> None:
        self.link, self.point, self.message = link, point, message

    def release(self) -> None:
        """Resume the connection."""
        if self.point.after:
            self.link.release()
        else:
            self.link.lanes[self.point.towards].release()

    def cut(self) -> None:
        """Break the connection; held messages never arrive."""
        self.link.cut()


class Breakpoint:
    """Waits at a point for the first matching message; hit at most once."""

    def __init__(self, proxy: Proxy, point: Point, address: str | None) -> None:
        self.point, self.address = point, address
        self._proxy = proxy
        self._hit: asyncio.Future[BreakpointHit] = asyncio.get_running_loop().create_future()

    @property
    def hit(self) -> BreakpointHit | None:
        """The hit; None before it."""
        return self._hit.result() if self._hit.done() else None

    def tell(self, told: Callable[[BreakpointHit], None]) -> None:
        """Call the function `told` at the hit."""
        self._hit.add_done_callback(lambda future: told(future.result()))

    async def caught(self, timeout: float) -> BreakpointHit:
        """Return the hit, at once or within `timeout` seconds; `TimedOut` clears the breakpoint."""
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(self._hit)
        except TimeoutError:
            self.clear()
            raise TimedOut(
                f"waited {timeout:g} s in vain for somebody at the point {self.point.name!r}",
                expected=f"a message there from {self.address or 'anybody'}",
                seen=f"{len(self._proxy.links)} connections, none of which came by",
            ) from None

    def clear(self) -> None:
        """Clear the breakpoint."""
        self._proxy.forget(self)

    def trigger(self, link: ProxiedConnection, message: Message) -> None:
        self._hit.set_result(BreakpointHit(link, self.point, message))


class Proxy:
    """Forwards connections to `upstream` (host, port); call its methods in its own loop.

    `dialect` creates a decoder for the connection with a number. `sink` receives all messages.
    """

    def __init__(
        self, upstream: tuple[str, int], dialect: Callable[[int], Decoder], sink: Sink
    ) -> None:
        self.upstream, self.sink = upstream, sink
        self.links: dict[int, ProxiedConnection] = {}
        #: Why the proxy refuses new clients; empty while it accepts them.
        self.shut = ""
        self._new_decoder = dialect
        self._number = 0
        self._breakpoints: list[Breakpoint] = []
        self._held: set[str] = set()
        self._delays: dict[str, float] = {}
        self._all_held = False
        self._connecting: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "0.0.0.0", port: int = 0) -> int:  # noqa: S104  # for pods
        """Listen; return the port, which the system chooses when `port` is 0."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._accept, host, port)
        except OSError as error:
            raise InfrastructureError(
                f"the tap cannot listen on {host}:{port}", seen=str(error)
            ) from None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Accept no more clients, and cut the existing connections."""
        if self._server is not None:
            self._server.close()
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        await self.reset()

    # -- control ------------------------------------------------------------------------------

    def set_breakpoint(self, point: Point, address: str | None = None) -> Breakpoint:
        """Set a breakpoint for the next message at this point, from one client or any."""
        breakpoint_ = Breakpoint(self, point, address)
        self._breakpoints.append(breakpoint_)
        return breakpoint_

    def hold(self, address: str) -> None:
        """Hold all messages from and to this client, on existing and new connections."""
        self._held.add(address)
        for link in self._connections_of(address):
            link.hold()

    def slow(self, address: str, seconds: float) -> None:
        """Delay the messages from and to this client by so many seconds; 0 ends the delay."""
        self._delays[address] = seconds
        for link in self._connections_of(address):
            link.slow(seconds)

    def hold_all(self) -> None:
        """Hold all messages on existing and new connections, until `reset`."""
        self._all_held = True
        for link in list(self.links.values()):
            link.hold()

    def release(self, address: str) -> None:
        """Forward everything that is held for this client, including breakpoint hits."""
        self._held.discard(address)
        for link in self._connections_of(address):
            link.release()

    def cut(self, address: str) -> None:
        """Break all connections of this client; it may connect again."""
        for link in self._connections_of(address):
            link.cut()

    def sever(self, address: str) -> None:
        """End this client's connections at the broker's side, and hold everything that it sends.

        The broker sees the same as at the client's death; the client receives nothing.
        """
        self._held.add(address)
        for link in self._connections_of(address):
            link.sever()

    def let_back(self, address: str) -> None:
        """Stop holding this client, and break the connections that its dead predecessor left.

        The next run of its container has the same address, and may have connected already.
        """
        self._held.discard(address)
        for link in self._connections_of(address):
            if link.left_behind:
                link.cut()
            else:
                link.release()

    def release_all(self) -> None:
        """Clear all breakpoints, and forward everything that is held."""
        self._breakpoints.clear()
        self._held.clear()
        self._delays.clear()
        self._all_held = False
        for link in list(self.links.values()):
            link.slow(0.0)
            link.release()

    async def reset(self) -> None:
        """Clear all breakpoints and holds, and break all connections; return when they have ended.

        Raises `TimedOut` when a connection does not end.
        """
        self._breakpoints.clear()
        self._held.clear()
        self._delays.clear()
        self._all_held = False
        links = list(self.links.values())
        for link in links:
            link.cut()
        try:
            async with asyncio.timeout(_CUT_TIMEOUT):
                await asyncio.gather(*(link.ended.wait() for link in links))
        except TimeoutError:
            raise TimedOut(
                f"waited {_CUT_TIMEOUT:g} s in vain for all connections to end",
                seen=f"{sum(not link.ended.is_set() for link in links)} connections",
            ) from None

    def _connections_of(self, address: str) -> list[ProxiedConnection]:
        return [link for link in self.links.values() if link.address == address]

    # -- for connections and breakpoints ------------------------------------------------------

    def watch(
        self, link: ProxiedConnection, towards: Towards, message: Message
    ) -> ConnectionBreakpoint | None:
        for breakpoint_ in self._breakpoints:
            if (
                breakpoint_.point.towards == towards
                and breakpoint_.address in (None, link.address)
                and breakpoint_.point.fits(message)
            ):
                self.forget(breakpoint_)
                return breakpoint_
        return None

    def forget(self, trap: Breakpoint) -> None:
        if trap in self._breakpoints:
            self._breakpoints.remove(trap)

    def holds(self, address: str) -> bool:
        return self._all_held or address in self._held

    def delay(self, address: str) -> float:
        return self._delays.get(address, 0.0)

    def closed(self, link: ProxiedConnection) -> None:
        self.links.pop(link.number, None)

    # -- connections --------------------------------------------------------------------------

    def _accept(self) -> Endpoint:
        self._number += 1
        link = ProxiedConnection(self, self._number, self._new_decoder(self._number))
        self.links[link.number] = link
        task = asyncio.get_running_loop().create_task(self._connect(link))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return Endpoint(link, "client")

    async def _connect(self, link: ProxiedConnection) -> None:
        loop = asyncio.get_running_loop()
        if self.shut:
            # Not at once: the address of the client must be known first.
            loop.call_soon(link.refuse, f"the broker has ended: {self.shut}")
            return
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await loop.create_connection(lambda: Endpoint(link, "broker"), *self.upstream)
        except OSError as error:  # TimeoutError is an OSError
            host, port = self.upstream
            why = str(error) or f"no answer within {_CONNECT_TIMEOUT:g} s"
            link.refuse(f"the broker at {host}:{port} cannot be reached: {why}")
