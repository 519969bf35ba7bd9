"""One direction of a connection: what comes goes on, or waits."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from harness.history import ConnectionHeld, ConnectionReleased, Towards
from harness.tap.records import Chunk

if TYPE_CHECKING:
    from harness.tap.proxy.connection import ProxiedConnection

#: Bytes that wait in a lane before its source has to, too.
HELD = 1024 * 1024


class Pipe:
    """One direction: what comes from `source` goes to `sink`, or waits."""

    def __init__(self, link: ProxiedConnection, towards: Towards) -> None:
        self._link, self.towards = link, towards
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.held = False
        #: Seconds for which each piece waits, where the network is to be slow.
        self._delay = 0.0
        #: Nothing more comes from the source.
        self.ended = False
        #: All that came has gone on.
        self.finished = False
        self._full = self._dead = self._deaf = False
        self._caught: Chunk | None = None
        self._waiting: deque[Chunk] = deque()
        #: What goes on, until it is sent as one.
        self._leaving: list[bytes] = []

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return sum(len(piece.raw) for piece in self._waiting)

    @property
    def waits(self) -> bool:
        """Whether anything does."""
        return bool(self._waiting)

    def take(self, piece: Chunk) -> None:
        """Let a piece go on (with the next `send`), or keep it."""
        if self.towards == "client" and piece.message is not None:
            self._link.host.sink(piece.message)
        if self._dead or self._deaf:
            return
        if self.held and piece.overtakes:
            self._pass(piece)
        elif self.held or self._delay:
            self._waiting.append(piece)
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._due)
        else:
            self._offer(piece)

    def slow(self, seconds: float) -> None:
        """From now on each piece waits so long; 0: no longer, and what waits goes on."""
        self._delay = seconds
        if not seconds and not self.held:
            self._go_on()

    def hold(self, point: str = "") -> None:
        if not self.held:
            self.held = True
            self._link.host.sink(ConnectionHeld(self._link.number, self.towards, point))

    def release(self) -> None:
        """Let what waits go on, up to the next message that somebody waits for."""
        if not self.held:
            return
        self.held = False
        self._link.host.sink(ConnectionReleased(self._link.number, self.towards))
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not self.held:
            piece = self._waiting.popleft()
            if piece is self._caught:
                self._pass(piece)
            else:
                self._offer(piece)
        self.send()
        self.throttle()
        self.finish()

    def _due(self) -> None:
        """What waits first has waited long enough, unless it has gone on already."""
        if self._waiting and not self.held:
            self._offer(self._waiting.popleft())
            self.send()
            self.throttle()
            self.finish()

    def send(self) -> None:
        """Send all that goes on: one call of the system for many pieces."""
        if self._leaving and self.sink is not None and not self.sink.is_closing():
            self.sink.write(b"".join(self._leaving))
        self._leaving.clear()

    def drop(self) -> int:
        """Throw away what waits; how many bytes have not gone out."""
        lost = self.size + (self.sink.get_write_buffer_size() if self.sink is not None else 0)
        self._waiting.clear()
        return lost

    def kill(self) -> None:
        """Nobody is there to take anything; what comes is still recorded, for it was said."""
        self._dead, self.held, self._full = True, False, False
        self._waiting.clear()
        self.throttle()
        self.finish()

    def deafen(self) -> None:
        """Pass nothing on any more; the sink is not to learn that the source has ended, either."""
        self.hold()
        self._deaf = True
        self.throttle()

    def end(self) -> None:
        """Take nothing more, and let the sink see the end after what it was sent."""
        self.kill()
        if self.sink is not None and not self.sink.is_closing():
            try:
                self.sink.write_eof()
            except OSError:  # it has been reset, and asyncio has not noticed yet
                self.sink.abort()

    def full(self, full: bool) -> None:
        """The sink takes no more for now, or again."""
        self._full = full
        self.throttle()

    def throttle(self) -> None:
        """Read from the source only while there is room for what it sends."""
        if self.source is None or self.ended:
            return
        if self._full or self.sink is None or self.size > HELD:
            self.source.pause_reading()
        else:
            self.source.resume_reading()

    def finish(self) -> None:
        """Pass on the end of the source, after all that came before it."""
        if self.finished or not self.ended or self.held or self._waiting:
            return
        self.finished = True
        if self.sink is not None and not self._dead and not self.sink.is_closing():
            try:
                self.sink.write_eof()
            except OSError:  # it has been reset, and asyncio has not noticed yet
                self.sink.abort()
        self._link.settle()

    def _offer(self, piece: Chunk) -> None:
        message = piece.message
        watch = message and self._link.host.watch(self._link, self.towards, message)
        if not watch or not message:
            self._pass(piece)
            return
        if watch.point.after:
            self._pass(piece)
            self._link.hold(watch.point.name)
        else:
            self._caught = piece
            self._waiting.appendleft(piece)
            self.hold(watch.point.name)
        watch.trigger(self._link, message)

    def _pass(self, piece: Chunk) -> None:
        if self.towards == "broker" and piece.message is not None:
            self._link.host.sink(piece.message)
        self._leaving.append(piece.raw)
