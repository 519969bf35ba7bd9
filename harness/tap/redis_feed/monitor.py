"""The tap's own MONITOR: all that Redis runs, in its order, with who asked for it."""

from __future__ import annotations

from collections.abc import Callable

from harness.tap.redis_feed.base import FeedConnection


class Monitor(FeedConnection):
    """A connection on which Redis shows what it runs; `told` gets whole lines, unread."""

    begin = b"MONITOR\r\n"

    def __init__(self, told: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        super().__init__(lost)
        self._told = told
        self._kept = bytearray()

    def data_received(self, data: bytes) -> None:
        self._kept += data
        if not self.ready.done():
            self._begin()
        end = self._kept.rfind(b"\r\n") + 2
        if self.ready.done() and end > 1:
            lines = bytes(self._kept[:end])
            del self._kept[:end]
            self._told(lines)
            self.gather(data)

    def _begin(self) -> None:
        """Take the answer to the command, which comes before the first line."""
        line, end, rest = bytes(self._kept).partition(b"\r\n")
        if end and line == b"+OK":
            self._kept[:] = rest
            self.ready.set_result(None)
        elif end:
            self._lost(f"Redis refuses MONITOR: {line[:200]!r}")
