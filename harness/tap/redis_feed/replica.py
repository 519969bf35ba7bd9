"""The tap's own replica link: all changes of Redis in its order, with scripts and expiry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.tap.redis_feed.base import FeedConnection
from harness.tap.redis_feed.parser import ticks

#: Seconds between two acknowledgements, until the first command arrives.
_ACK_INTERVAL = 0.02


class Replica(FeedConnection):
    """A connection on which Redis treats the tap as a replica.

    `told` receives complete commands, unparsed. The connection skips the initial data of Redis.
    Only a parser could find the end of every command, but ticks are easy to find: data after the
    last tick stays in the buffer.
    """

    # Redis may then send the data directly, without a file in between.
    begin = b"REPLCONF capa eof\r\n"

    def __init__(self, told: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        super().__init__(lost)
        self._on_commands = told
        self._buffer = bytearray()
        self._step: Callable[[], bool] = self._on_greeting
        self._remaining, self._end_marker = 0, b""
        self._ack_timer: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether commands have arrived that no tick has followed so far."""
        return self.ready.done() and bool(self._buffer)

    def close(self) -> None:
        self._stop_acknowledging()
        super().close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self.ready.done() and self._step():
            pass
        if self.ready.done() and self._buffer:
            self._stop_acknowledging()
            if tick_matches := ticks("replica", self._buffer):
                self._forward(tick_matches[-1].end())
            self.gather(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_acknowledging()
        if self.ready.done() and self._buffer:
            self._forward(len(self._buffer))
        super().connection_lost(exc)

    # -- before the first command -------------------------------------------------------------

    def _on_greeting(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if line != b"+OK":
            return self._refused(line)
        # SYNC, not PSYNC: from a SYNC replica Redis expects no regular heartbeats.
        self.transport.write(b"SYNC\r\n")
        self._step = self._on_announcement
        return True

    def _on_announcement(self) -> bool:
        """Read how Redis will send the data: as so many bytes, or up to an end marker."""
        line = self._line()
        if line is None:
            return False
        if not line:  # Redis sends empty lines while the replica has to wait
            return True
        if line.startswith(b"$EOF:"):
            self._end_marker, self._step = line[5:], self._skip_to_marker
        elif line.startswith(b"$") and line[1:].isdigit():
            self._remaining, self._step = int(line[1:]), self._skip_counted
        else:
            return self._refused(line)
        return True

    def _skip_counted(self) -> bool:
        skipped = min(self._remaining, len(self._buffer))
        del self._buffer[:skipped]
        self._remaining -= skipped
        return self._remaining == 0 and self._begin()

    def _skip_to_marker(self) -> bool:
        end = self._buffer.find(self._end_marker)
        if end < 0:
            # A part of the end marker may have arrived already.
            del self._buffer[: max(0, len(self._buffer) - len(self._end_marker) + 1)]
            return False
        del self._buffer[: end + len(self._end_marker)]
        return self._begin()

    def _begin(self) -> bool:
        self._acknowledge()
        self.ready.set_result(None)
        return True

    def _acknowledge(self) -> None:
        """Ask for the commands; Redis waits for it, and ignores it when it arrives too early."""
        self.transport.write(b"REPLCONF ACK 0\r\n")
        self._ack_timer = asyncio.get_running_loop().call_later(_ACK_INTERVAL, self._acknowledge)

    def _stop_acknowledging(self) -> None:
        if self._ack_timer is not None:
            self._ack_timer.cancel()

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line

    def _refused(self, line: bytes) -> bool:
        self._lost(f"Redis takes the tap for no replica: {line[:200]!r}")
        return False

    def _forward(self, end: int) -> None:
        commands = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._on_commands(commands)
