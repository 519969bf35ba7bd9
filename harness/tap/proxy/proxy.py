"""The proxy: listens where workers think the broker is, and lets its owner stop what passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.core.errors import InfrastructureError, TimedOut
from harness.history import Towards
from harness.tap.points import Point
from harness.tap.protocols.base import Decoder
from harness.tap.proxy.connection import ConnectionBreakpoint, Endpoint, ProxiedConnection
from harness.tap.records import Message, Sink

#: Seconds for a connection to the broker to come about.
_DIAL = 10.0
#: Seconds for all connections to end, once they are cut.
_STOP = 10.0


class BreakpointHit:
    """A link that has come to a point: `message` is held, or has just passed (`after`)."""

    def __init__(self, link: ProxiedConnection, point: Point, message: Message) -> None:
        self.link, self.point, self.message = link, point, message

    def release(self) -> None:
        """Let it go on."""
        if self.point.after:
            self.link.release()
        else:
            self.link.lanes[self.point.towards].release()

    def cut(self) -> None:
        """Break the connection; what is held never arrives."""
        self.link.cut()


class Breakpoint:
    """Waits at a point for the first who comes by, at most once."""

    def __init__(self, proxy: Proxy, point: Point, address: str | None) -> None:
        self.point, self.address = point, address
        self._proxy = proxy
        self._caught: asyncio.Future[BreakpointHit] = asyncio.get_running_loop().create_future()

    @property
    def hit(self) -> BreakpointHit | None:
        """Who was caught, if somebody was."""
        return self._caught.result() if self._caught.done() else None

    def tell(self, told: Callable[[BreakpointHit], None]) -> None:
        """Call `told` as soon as somebody is caught."""
        self._caught.add_done_callback(lambda caught: told(caught.result()))

    async def caught(self, timeout: float) -> BreakpointHit:
        """Who was caught, at once or within `timeout` seconds; `TimedOut` disarms the trap."""
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(self._caught)
        except TimeoutError:
            self.clear()
            raise TimedOut(
                f"waited {timeout:g} s in vain for somebody at the point {self.point.name!r}",
                expected=f"a message there from {self.address or 'anybody'}",
                seen=f"{len(self._proxy.links)} connections, none of which came by",
            ) from None

    def clear(self) -> None:
        """Catch nobody any more."""
        self._proxy.forget(self)

    def trigger(self, link: ProxiedConnection, message: Message) -> None:
        self._caught.set_result(BreakpointHit(link, self.point, message))


class Proxy:
    """Passes connections on to `upstream` (host, port); its methods belong into its own loop.

    `dialect` makes a decoder for the connection of a number. All that is said goes to `sink`.
    """

    def __init__(
        self, upstream: tuple[str, int], dialect: Callable[[int], Decoder], sink: Sink
    ) -> None:
        self.upstream, self.sink = upstream, sink
        self.links: dict[int, ProxiedConnection] = {}
        #: Why nobody is let in at the moment; empty while everybody is.
        self.shut = ""
        self._dialect = dialect
        self._number = 0
        self._traps: list[Breakpoint] = []
        self._held: set[str] = set()
        self._delays: dict[str, float] = {}
        self._all_held = False
        self._dialing: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "0.0.0.0", port: int = 0) -> int:  # noqa: S104  # for pods
        """Listen; the port that it is, when `port` is 0."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._accept, host, port)
        except OSError as error:
            raise InfrastructureError(
                f"the tap cannot listen on {host}:{port}", seen=str(error)
            ) from None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Take no more clients, and cut those that are there."""
        if self._server is not None:
            self._server.close()
        for task in self._dialing:
            task.cancel()
        await asyncio.gather(*self._dialing, return_exceptions=True)
        await self.reset()

    # -- control ------------------------------------------------------------------------------

    def set_breakpoint(self, point: Point, address: str | None = None) -> Breakpoint:
        """From now on wait for the next message at this point, from one client or from anybody."""
        trap = Breakpoint(self, point, address)
        self._traps.append(trap)
        return trap

    def hold(self, address: str) -> None:
        """Let nothing pass from or to this client, on connections that are there or come."""
        self._held.add(address)
        for link in self._of(address):
            link.hold()

    def slow(self, address: str, seconds: float) -> None:
        """Let what this client says and hears arrive so much later, until it is told 0."""
        self._delays[address] = seconds
        for link in self._of(address):
            link.slow(seconds)

    def hold_all(self) -> None:
        """Let nothing pass any more, on connections that are there or come, until `reset`."""
        self._all_held = True
        for link in list(self.links.values()):
            link.hold()

    def release(self, address: str) -> None:
        """Let all go on that is held of this client, wherever it was caught."""
        self._held.discard(address)
        for link in self._of(address):
            link.release()

    def cut(self, address: str) -> None:
        """Break all connections of this client; it may come again."""
        for link in self._of(address):
            link.cut()

    def sever(self, address: str) -> None:
        """End this client's connections at the broker's side, and hold all that it says.

        The broker is told what the death of the client would tell it; the client hears nothing.
        """
        self._held.add(address)
        for link in self._of(address):
            link.sever()

    def let_back(self, address: str) -> None:
        """Hold this client no longer. What was left by one that is no more is broken.

        The next run of its container has the same address, and may have come already.
        """
        self._held.discard(address)
        for link in self._of(address):
            if link.left_behind:
                link.cut()
            else:
                link.release()

    def release_all(self) -> None:
        """Disarm all traps, and let all go on that is held."""
        self._traps.clear()
        self._held.clear()
        self._delays.clear()
        self._all_held = False
        for link in list(self.links.values()):
            link.slow(0.0)
            link.release()

    async def reset(self) -> None:
        """Disarm all traps, hold nobody, and break all connections; returns when they have ended.

        Raises `TimedOut` when one does not end.
        """
        self._traps.clear()
        self._held.clear()
        self._delays.clear()
        self._all_held = False
        links = list(self.links.values())
        for link in links:
            link.cut()
        try:
            async with asyncio.timeout(_STOP):
                await asyncio.gather(*(link.ended.wait() for link in links))
        except TimeoutError:
            raise TimedOut(
                f"waited {_STOP:g} s in vain for all connections to end",
                seen=f"{sum(not link.ended.is_set() for link in links)} connections",
            ) from None

    def _of(self, address: str) -> list[ProxiedConnection]:
        return [link for link in self.links.values() if link.address == address]

    # -- for links and traps ------------------------------------------------------------------

    def watch(
        self, link: ProxiedConnection, towards: Towards, message: Message
    ) -> ConnectionBreakpoint | None:
        for trap in self._traps:
            if (
                trap.point.towards == towards
                and trap.address in (None, link.address)
                and trap.point.fits(message)
            ):
                self.forget(trap)
                return trap
        return None

    def forget(self, trap: Breakpoint) -> None:
        if trap in self._traps:
            self._traps.remove(trap)

    def holds(self, address: str) -> bool:
        return self._all_held or address in self._held

    def delay(self, address: str) -> float:
        return self._delays.get(address, 0.0)

    def closed(self, link: ProxiedConnection) -> None:
        self.links.pop(link.number, None)

    # -- connections --------------------------------------------------------------------------

    def _accept(self) -> Endpoint:
        self._number += 1
        link = ProxiedConnection(self, self._number, self._dialect(self._number))
        self.links[link.number] = link
        task = asyncio.get_running_loop().create_task(self._dial(link))
        self._dialing.add(task)
        task.add_done_callback(self._dialing.discard)
        return Endpoint(link, "client")

    async def _dial(self, link: ProxiedConnection) -> None:
        loop = asyncio.get_running_loop()
        if self.shut:
            # Soon: by then it is known who it is.
            loop.call_soon(link.refuse, f"the broker has ended: {self.shut}")
            return
        try:
            async with asyncio.timeout(_DIAL):
                await loop.create_connection(lambda: Endpoint(link, "broker"), *self.upstream)
        except OSError as error:  # TimeoutError is one
            host, port = self.upstream
            why = str(error) or f"no answer within {_DIAL:g} s"
            link.refuse(f"the broker at {host}:{port} cannot be reached: {why}")
