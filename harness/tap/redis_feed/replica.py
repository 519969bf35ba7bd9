"""The tap's own replica link: all that Redis changes, in its order, scripts and expiries too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.tap.redis_feed.base import FeedConnection
from harness.tap.redis_feed.parser import ticks

#: Seconds from one acknowledgement to the next, until the first command comes.
_AGAIN = 0.02


class Replica(FeedConnection):
    """A connection on which Redis takes the tap for a replica; `told` gets whole commands, unread.

    The data that Redis has at the beginning are passed over. Where a command ends only a reader
    could tell, but one that is a tick is easily found: what follows the last one is kept.
    """

    # So that Redis may send the data as they come, with no file in between.
    begin = b"REPLCONF capa eof\r\n"

    def __init__(self, told: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        super().__init__(lost)
        self._told = told
        self._kept = bytearray()
        self._step: Callable[[], bool] = self._greeted
        self._left, self._mark = 0, b""
        self._again: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether commands have come that no tick has followed so far."""
        return self.ready.done() and bool(self._kept)

    def close(self) -> None:
        self._rest()
        super().close()

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while not self.ready.done() and self._step():
            pass
        if self.ready.done() and self._kept:
            self._rest()
            if found := ticks("replica", self._kept):
                self._tell(found[-1].end())
            self.gather(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        if self.ready.done() and self._kept:
            self._tell(len(self._kept))
        super().connection_lost(exc)

    # -- before the first command -------------------------------------------------------------

    def _greeted(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if line != b"+OK":
            return self._refused(line)
        # Not PSYNC: of such a replica Redis expects no regular signs of life.
        self.transport.write(b"SYNC\r\n")
        self._step = self._announced
        return True

    def _announced(self) -> bool:
        """How the data will come: so many bytes, or all until a mark."""
        line = self._line()
        if line is None:
            return False
        if not line:  # Redis makes the wait known with empty lines
            return True
        if line.startswith(b"$EOF:"):
            self._mark, self._step = line[5:], self._marked
        elif line.startswith(b"$") and line[1:].isdigit():
            self._left, self._step = int(line[1:]), self._counted
        else:
            return self._refused(line)
        return True

    def _counted(self) -> bool:
        passed = min(self._left, len(self._kept))
        del self._kept[:passed]
        self._left -= passed
        return self._left == 0 and self._begin()

    def _marked(self) -> bool:
        end = self._kept.find(self._mark)
        if end < 0:
            # The mark may have come in part.
            del self._kept[: max(0, len(self._kept) - len(self._mark) + 1)]
            return False
        del self._kept[: end + len(self._mark)]
        return self._begin()

    def _begin(self) -> bool:
        self._acknowledge()
        self.ready.set_result(None)
        return True

    def _acknowledge(self) -> None:
        """Ask for the commands: Redis waits for it, and overhears it when it comes too soon."""
        self.transport.write(b"REPLCONF ACK 0\r\n")
        self._again = asyncio.get_running_loop().call_later(_AGAIN, self._acknowledge)

    def _rest(self) -> None:
        if self._again is not None:
            self._again.cancel()

    def _line(self) -> bytes | None:
        end = self._kept.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._kept[:end]).rstrip(b"\r")
        del self._kept[: end + 1]
        return line

    def _refused(self, line: bytes) -> bool:
        self._lost(f"Redis takes the tap for no replica: {line[:200]!r}")
        return False

    def _tell(self, end: int) -> None:
        commands = bytes(self._kept[:end])
        del self._kept[:end]
        self._told(commands)
