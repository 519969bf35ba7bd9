"""The tap's own MONITOR connection: all commands that Redis runs, in its order."""

from __future__ import annotations

from collections.abc import Callable

from harness.tap.redis_feed.base import FeedConnection


class Monitor(FeedConnection):
    """A connection on which Redis shows the commands that it runs.

    `told` receives complete lines, unparsed.
    """

    begin = b"MONITOR\r\n"

    def __init__(self, told: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        super().__init__(lost)
        self._on_lines = told
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.ready.done():
            self._begin()
        end = self._buffer.rfind(b"\r\n") + 2
        if self.ready.done() and end > 1:
            lines = bytes(self._buffer[:end])
            del self._buffer[:end]
            self._on_lines(lines)
            self.gather(data)

    def _begin(self) -> None:
        """Consume the reply to the MONITOR command, which precedes the first line."""
        line, end, rest = bytes(self._buffer).partition(b"\r\n")
        if end and line == b"+OK":
            self._buffer[:] = rest
            self.ready.set_result(None)
        elif end:
            self._lost(f"Redis refuses MONITOR: {line[:200]!r}")
