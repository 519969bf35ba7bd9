"""One direction of a connection: chunks that go on, or wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from harness.history import ConnectionHeld, ConnectionReleased, Towards
from harness.tap.records import Chunk

if TYPE_CHECKING:
    from harness.tap.proxy.connection import ProxiedConnection

#: Waiting bytes in a pipe above which its source has to wait, too.
HELD = 1024 * 1024


class Pipe:
    """One direction: data from `source` goes to `sink`, or waits."""

    def __init__(self, link: ProxiedConnection, towards: Towards) -> None:
        self._link, self.towards = link, towards
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.held = False
        #: Seconds for which each chunk waits, to simulate a slow network.
        self._delay = 0.0
        #: The source has ended.
        self.ended = False
        #: All data of the source has been forwarded, or dropped.
        self.finished = False
        self._full = self._dead = self._disconnected = False
        self._at_breakpoint: Chunk | None = None
        self._waiting: deque[Chunk] = deque()
        #: Data to forward, until it is sent in one write.
        self._outgoing: list[bytes] = []

    @property
    def size(self) -> int:
        """Number of waiting bytes."""
        return sum(len(piece.raw) for piece in self._waiting)

    @property
    def waits(self) -> bool:
        """Whether any data waits."""
        return bool(self._waiting)

    def take(self, piece: Chunk) -> None:
        """Forward a chunk (with the next `send`), or keep it."""
        if self.towards == "client" and piece.message is not None:
            self._link.host.sink(piece.message)
        if self._dead or self._disconnected:
            return
        if self.held and piece.overtakes:
            self._forward(piece)
        elif self.held or self._delay:
            self._waiting.append(piece)
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._forward_delayed)
        else:
            self._offer(piece)

    def slow(self, seconds: float) -> None:
        """Delay each new chunk by so many seconds; 0: no delay, and waiting chunks go on."""
        self._delay = seconds
        if not seconds and not self.held:
            self._forward_waiting()

    def hold(self, point: str = "") -> None:
        if not self.held:
            self.held = True
            self._link.host.sink(ConnectionHeld(self._link.number, self.towards, point))

    def release(self) -> None:
        """Forward the waiting chunks, up to the next message with a breakpoint."""
        if not self.held:
            return
        self.held = False
        self._link.host.sink(ConnectionReleased(self._link.number, self.towards))
        self._forward_waiting()

    def _forward_waiting(self) -> None:
        while self._waiting and not self.held:
            chunk = self._waiting.popleft()
            if chunk is self._at_breakpoint:
                self._forward(chunk)
            else:
                self._offer(chunk)
        self.send()
        self.throttle()
        self.finish()

    def _forward_delayed(self) -> None:
        """Forward the first waiting chunk, whose delay is over, unless it has gone on already."""
        if self._waiting and not self.held:
            self._offer(self._waiting.popleft())
            self.send()
            self.throttle()
            self.finish()

    def send(self) -> None:
        """Send all outgoing chunks: one system call for many chunks."""
        if self._outgoing and self.sink is not None and not self.sink.is_closing():
            self.sink.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def drop(self) -> int:
        """Discard the waiting data; return how many bytes were not sent."""
        unsent = self.size + (self.sink.get_write_buffer_size() if self.sink is not None else 0)
        self._waiting.clear()
        return unsent

    def kill(self) -> None:
        """Stop forwarding: the receiver is gone. Incoming messages are still recorded."""
        self._dead, self.held, self._full = True, False, False
        self._waiting.clear()
        self.throttle()
        self.finish()

    def disconnect(self) -> None:
        """Forward nothing more, and hide the end of the source from the sink."""
        self.hold()
        self._disconnected = True
        self.throttle()

    def end(self) -> None:
        """Accept nothing more, and send the sink the end of the stream after earlier data."""
        self.kill()
        if self.sink is not None and not self.sink.is_closing():
            try:
                self.sink.write_eof()
            except OSError:  # the connection was reset, and asyncio has not noticed yet
                self.sink.abort()

    def full(self, full: bool) -> None:
        """Record whether the sink cannot accept more data at the moment."""
        self._full = full
        self.throttle()

    def throttle(self) -> None:
        """Read from the source only while there is room for its data."""
        if self.source is None or self.ended:
            return
        if self._full or self.sink is None or self.size > HELD:
            self.source.pause_reading()
        else:
            self.source.resume_reading()

    def finish(self) -> None:
        """Forward the end of the source, after all earlier data."""
        if self.finished or not self.ended or self.held or self._waiting:
            return
        self.finished = True
        if self.sink is not None and not self._dead and not self.sink.is_closing():
            try:
                self.sink.write_eof()
            except OSError:  # the connection was reset, and asyncio has not noticed yet
                self.sink.abort()
        self._link.settle()

    def _offer(self, piece: Chunk) -> None:
        message = piece.message
        breakpoint_ = message and self._link.host.watch(self._link, self.towards, message)
        if not breakpoint_ or not message:
            self._forward(piece)
            return
        if breakpoint_.point.after:
            self._forward(piece)
            self._link.hold(breakpoint_.point.name)
        else:
            self._at_breakpoint = piece
            self._waiting.appendleft(piece)
            self.hold(breakpoint_.point.name)
        breakpoint_.trigger(self._link, message)

    def _forward(self, piece: Chunk) -> None:
        if self.towards == "broker" and piece.message is not None:
            self._link.host.sink(piece.message)
        self._outgoing.append(piece.raw)
