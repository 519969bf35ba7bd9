"""What the tap's own connections to Redis have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

#: Seconds for which what Redis tells is left to gather, and the bytes that are too many for that.
#: Each look costs as much as passing a worker's command on, and none of this is in a hurry.
_PAUSE, _MUCH = 0.02, 64 * 1024


class FeedConnection(asyncio.Protocol):
    """A connection that `begin`s it; `ready` once it brings what it is for.

    `lost` is told why it has ended (unless it was closed here), or brings something else.
    """

    begin = b""
    transport: asyncio.Transport

    def __init__(self, lost: Callable[[str], None]) -> None:
        self._lost = lost
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """End it without a word. May be called before there is a connection."""
        self._lost = lambda _: None
        if hasattr(self, "transport"):
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by duck typing
        self.transport.write(self.begin)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(f"Redis has ended the connection: {exc or 'it was closed'}")

    def gather(self, data: bytes) -> None:
        """After `data`, let more come together before it is looked at."""
        if len(data) < _MUCH:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(_PAUSE, self.transport.resume_reading)
