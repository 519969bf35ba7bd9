"""One connection through the tap: two transports, and between them a lane for each direction."""

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

#: How a TLS client begins. No client of Redis or RabbitMQ begins so without TLS.
_TLS = b"\x16"

_BACK: dict[Towards, Towards] = {"broker": "client", "client": "broker"}


class ConnectionBreakpoint(Protocol):
    """Who waits for a message of a link."""

    point: Point

    def trigger(self, link: ProxiedConnection, message: Message) -> None:
        """It has come, and its lane (with `after`: both) is held."""


class Host(Protocol):
    """What a link needs of the proxy it belongs to."""

    sink: Sink

    def watch(
        self, link: ProxiedConnection, towards: Towards, message: Message
    ) -> ConnectionBreakpoint | None:
        """Who waits for this message; nobody else will be told of it."""

    def holds(self, address: str) -> bool:
        """Whether new connections of this client are held."""

    def delay(self, address: str) -> float:
        """Seconds for which what this client says and hears is to wait."""

    def closed(self, link: ProxiedConnection) -> None: ...


class ProxiedConnection:
    """A client's connection and the broker's that belongs to it. `number` names both."""

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
        self._by: Literal["client", "broker", "tap"] | None = None
        self._error = ""
        self._open: set[Towards] = set()
        #: What the client said before the broker was there; b"" is its end. Reading is paused until
        #: then, but some versions of asyncio begin to read all the same.
        self._early: list[bytes] = []

    # -- for those who control the tap --------------------------------------------------------

    def hold(self, point: str = "") -> None:
        """Hold both directions."""
        for lane in self.lanes.values():
            lane.hold(point)

    def slow(self, seconds: float) -> None:
        """Let what is said arrive so much later, in both directions."""
        for lane in self.lanes.values():
            lane.slow(seconds)

    def release(self) -> None:
        for lane in self.lanes.values():
            lane.release()

    def cut(self) -> None:
        """Break the connection on both sides; what was held is lost."""
        if not self._over:
            self._cut()
            self._abort()

    def sever(self) -> None:
        """End it at the broker's side alone: the client hears no more of it, not even its end.

        What went on before still arrives: the broker sees a client that has ended.
        """
        if not self._over and not self._severed:
            self._cut()
            self._by = self._by or "tap"
            self.lanes["client"].deafen()
            self.lanes["broker"].end()

    @property
    def left_behind(self) -> bool:
        """Whether it was severed, or its client has ended it while it was held."""
        return self._severed or self.lanes["broker"].ended

    def _cut(self) -> None:
        to_broker, to_client = (self.lanes[way].drop() for way in ("broker", "client"))
        if not self._severed:
            self.host.sink(ConnectionCut(self.number, to_broker, to_client))
        self._severed = True

    def refuse(self, why: str) -> None:
        """Turn the client away."""
        self.host.sink(ConnectionRefused(self.number, self.address, self.port, why))
        self._abort()

    # -- for the two sides --------------------------------------------------------------------

    def accepted(self, transport: asyncio.Transport) -> None:
        """The client is there. It is not read from before the broker is, too."""
        self.address, self.port = transport.get_extra_info("peername")[:2]
        self._open.add("client")
        self.lanes["broker"].source = self.lanes["client"].sink = transport
        if self._over:  # cut before it began
            transport.abort()
        else:
            self.lanes["broker"].throttle()

    def dialed(self, transport: asyncio.Transport) -> None:
        """The broker is there, too."""
        self._open.add("broker")
        self.lanes["client"].source = self.lanes["broker"].sink = transport
        if "client" not in self._open or self._by == "tap":  # it has gone in the meantime
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
        for lane in self.lanes.values():
            lane.throttle()

    def received(self, side: Towards, data: bytes) -> None:
        lane = self.lanes[_BACK[side]]
        if lane.ended:
            return
        if lane.sink is None:
            self._early.append(data)
            lane.throttle()
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
            for piece in self._decoder.feed(lane.towards, data):
                lane.take(piece)
        finally:
            lane.send()
        if self._decoder.opaque:
            # What was to be read together with more of it will not be read.
            self._flush(self.lanes[side])
        if lane.waits:
            lane.throttle()

    def eof(self, side: Towards) -> None:
        """This side sends nothing more; it may still listen."""
        lane = self.lanes[_BACK[side]]
        if lane.sink is None:
            self._early.append(b"")
        elif not lane.ended:
            self._by = self._by or side
            self._flush(lane)
            lane.ended = True
            lane.finish()
            if self._severed and not self._over and all(one.ended for one in self.lanes.values()):
                self._abort()  # both have gone, and neither is told of the other's end

    def lost(self, side: Towards, error: Exception | None) -> None:
        """This side is gone. What it has said still goes on, and the broker's answer counts."""
        if self._by is None and error is not None:
            self._error = f"{type(error).__name__}: {error}"
        self._open.discard(side)
        self.eof(side)
        self.lanes[side].kill()
        self.settle()

    def settle(self) -> None:
        """Close what has no more to do."""
        to_broker, to_client = self.lanes["broker"], self.lanes["client"]
        if not to_client.finished:
            return
        if not to_broker.finished:
            # No broker listens on after it has said its last; this comes back here.
            to_broker.ended = True
            to_broker.kill()
            return
        for lane in (to_broker, to_client):
            if lane.sink is not None:
                lane.sink.close()
        if not self._open and not self._over:
            self._over = True
            if self._opened:
                self.host.sink(ConnectionClosed(self.number, self._by or "tap", self._error))
            self.host.closed(self)
            self.ended.set()

    def _flush(self, lane: Pipe) -> None:
        if rest := self._decoder.rest(lane.towards):
            lane.take(Chunk(rest))
            lane.send()

    def _abort(self) -> None:
        self._by = self._by or "tap"
        for lane in self.lanes.values():
            lane.ended = True
            lane.kill()
        for lane in self.lanes.values():
            if lane.sink is not None:
                lane.sink.abort()
        self.settle()


class Endpoint(asyncio.Protocol):
    """What asyncio calls for one of the two connections of a link."""

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
