"""One connection through the tap: two transports, and a pipe for each direction."""

from __future__ import annotations

import asyncio
from typing import Literal, Protocol, cast

from harness.history import (
    ConnectionClosed,
    ConnectionCut,
    ConnectionOpened,
    ConnectionRefused,
    Towards,
)
from harness.tap.points import Point
from harness.tap.protocols.base import Decoder
from harness.tap.proxy.pipe import Pipe
from harness.tap.records import Chunk, Message, Sink

#: First byte of a TLS client; no client of Redis or RabbitMQ starts with it without TLS.
_TLS = b"\x16"

_OPPOSITE: dict[Towards, Towards] = {"broker": "client", "client": "broker"}


class ConnectionBreakpoint(Protocol):
    """A breakpoint that waits for a message of a connection."""

    point: Point

    def trigger(self, link: ProxiedConnection, message: Message) -> None:
        """The message has arrived, and its pipe (with `after`: both pipes) is held."""


class Host(Protocol):
    """The interface of the proxy that a connection uses."""

    sink: Sink

    def watch(
        self, link: ProxiedConnection, towards: Towards, message: Message
    ) -> ConnectionBreakpoint | None:
        """Return the breakpoint that this message hits, and clear it; None without one."""

    def holds(self, address: str) -> bool:
        """Whether new connections of this client are held."""

    def delay(self, address: str) -> float:
        """Seconds by which messages from and to this client are delayed."""

    def closed(self, link: ProxiedConnection) -> None: ...


class ProxiedConnection:
    """A client's connection and its connection to the broker; `number` identifies both."""

    def __init__(self, host: Host, number: int, decoder: Decoder) -> None:
        self.host, self.number = host, number
        self.address, self.port = "", 0
        self.lanes: dict[Towards, Pipe] = {
            "broker": Pipe(self, "broker"),
            "client": Pipe(self, "client"),
        }
        #: Set once both sides are closed.
        self.ended = asyncio.Event()
        self._decoder = decoder
        self._began = self._opened = self._over = self._severed = False
        self._ended_by: Literal["client", "broker", "tap"] | None = None
        self._error = ""
        self._open: set[Towards] = set()
        #: Data of the client before the broker was connected; b"" is its end. Reading is paused
        #: until then, but some versions of asyncio start to read all the same.
        self._early: list[bytes] = []

    # -- for those who control the tap --------------------------------------------------------

    def hold(self, point: str = "") -> None:
        """Hold both directions."""
        for pipe in self.lanes.values():
            pipe.hold(point)

    def slow(self, seconds: float) -> None:
        """Delay the messages in both directions by so many seconds."""
        for pipe in self.lanes.values():
            pipe.slow(seconds)

    def release(self) -> None:
        for pipe in self.lanes.values():
            pipe.release()

    def cut(self) -> None:
        """Break the connection on both sides; held data is lost."""
        if not self._over:
            self._cut()
            self._abort()

    def sever(self) -> None:
        """End the connection at the broker's side only: the client does not even see its end.

        Earlier data still arrives: the broker sees a client that has ended.
        """
        if not self._over and not self._severed:
            self._cut()
            self._ended_by = self._ended_by or "tap"
            self.lanes["client"].disconnect()
            self.lanes["broker"].end()

    @property
    def left_behind(self) -> bool:
        """Whether it was severed, or its client ended it while it was held."""
        return self._severed or self.lanes["broker"].ended

    def _cut(self) -> None:
        to_broker, to_client = (self.lanes[direction].drop() for direction in ("broker", "client"))
        if not self._severed:
            self.host.sink(ConnectionCut(self.number, to_broker, to_client))
        self._severed = True

    def refuse(self, why: str) -> None:
        """Refuse the client."""
        self.host.sink(ConnectionRefused(self.number, self.address, self.port, why))
        self._abort()

    # -- for the two sides --------------------------------------------------------------------

    def accepted(self, transport: asyncio.Transport) -> None:
        """Register the client; read from it only once the broker is connected, too."""
        self.address, self.port = transport.get_extra_info("peername")[:2]
        self._open.add("client")
        self.lanes["broker"].source = self.lanes["client"].sink = transport
        if self._over:  # cut before it began
            transport.abort()
        else:
            self.lanes["broker"].throttle()

    def dialed(self, transport: asyncio.Transport) -> None:
        """Register the broker's connection, and start to forward."""
        self._open.add("broker")
        self.lanes["client"].source = self.lanes["broker"].sink = transport
        if "client" not in self._open or self._ended_by == "tap":  # the client has gone
            transport.abort()
            return
        host, port = transport.get_extra_info("sockname")[:2]
        self.host.sink(ConnectionOpened(self.number, self.address, self.port, f"{host}:{port}"))
        self._opened = True
        if delay := self.host.delay(self.address):
            self.slow(delay)
        if self.host.holds(self.address):
            self.hold()
        early, self._early = self._early, []
        for data in early:
            if data:
                self.received("client", data)
            else:
                self.eof("client")
        for pipe in self.lanes.values():
            pipe.throttle()

    def received(self, side: Towards, data: bytes) -> None:
        pipe = self.lanes[_OPPOSITE[side]]
        if pipe.ended:
            return
        if pipe.sink is None:
            self._early.append(data)
            pipe.throttle()
            return
        if side == "client" and not self._began:
            self._began = True
            if data.startswith(_TLS):
                self.refuse(
                    "the client speaks TLS, and what it says to the broker could not be seen: "
                    "have it connect without TLS (redis:// or amqp://)"
                )
                return
        try:
            for chunk in self._decoder.feed(pipe.towards, data):
                pipe.take(chunk)
        finally:
            pipe.send()
        if self._decoder.opaque:
            # The decoder will not decode the buffered part of a message any more.
            self._flush(self.lanes[side])
        if pipe.waits:
            pipe.throttle()

    def eof(self, side: Towards) -> None:
        """Process the end of this side's data; the side may still receive."""
        pipe = self.lanes[_OPPOSITE[side]]
        if pipe.sink is None:
            self._early.append(b"")
        elif not pipe.ended:
            self._ended_by = self._ended_by or side
            self._flush(pipe)
            pipe.ended = True
            pipe.finish()
            if (
                self._severed
                and not self._over
                and all(other_pipe.ended for other_pipe in self.lanes.values())
            ):
                self._abort()  # both sides have gone, and neither is notified of the other's end

    def lost(self, side: Towards, error: Exception | None) -> None:
        """Process the loss of this side.

        Its earlier data still goes on, and the broker's replies are still recorded.
        """
        if self._ended_by is None and error is not None:
            self._error = f"{type(error).__name__}: {error}"
        self._open.discard(side)
        self.eof(side)
        self.lanes[side].kill()
        self.settle()

    def settle(self) -> None:
        """Close the transports that are no longer needed."""
        to_broker, to_client = self.lanes["broker"], self.lanes["client"]
        if not to_client.finished:
            return
        if not to_broker.finished:
            # No broker receives after its own end; `kill` calls this method again.
            to_broker.ended = True
            to_broker.kill()
            return
        for pipe in (to_broker, to_client):
            if pipe.sink is not None:
                pipe.sink.close()
        if not self._open and not self._over:
            self._over = True
            if self._opened:
                self.host.sink(ConnectionClosed(self.number, self._ended_by or "tap", self._error))
            self.host.closed(self)
            self.ended.set()

    def _flush(self, lane: Pipe) -> None:
        if rest := self._decoder.rest(lane.towards):
            lane.take(Chunk(rest))
            lane.send()

    def _abort(self) -> None:
        self._ended_by = self._ended_by or "tap"
        for pipe in self.lanes.values():
            pipe.ended = True
            pipe.kill()
        for pipe in self.lanes.values():
            if pipe.sink is not None:
                pipe.sink.abort()
        self.settle()


class Endpoint(asyncio.Protocol):
    """The asyncio protocol of one of the two transports of a connection."""

    def __init__(self, link: ProxiedConnection, side: Towards) -> None:
        self._link, self._side = link, side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        mine = cast(asyncio.Transport, transport)  # uvloop's is one by duck typing
        if self._side == "client":
            self._link.accepted(mine)
        else:
            self._link.dialed(mine)

    def data_received(self, data: bytes) -> None:
        self._link.received(self._side, data)

    def eof_received(self) -> bool:
        self._link.eof(self._side)
        return True

    def pause_writing(self) -> None:
        self._link.lanes[self._side].full(True)

    def resume_writing(self) -> None:
        self._link.lanes[self._side].full(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(self._side, exc)
