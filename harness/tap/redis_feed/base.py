"""The common base of the tap's own connections to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

#: Seconds during which data of Redis accumulates, unless so many bytes arrived at once. Each read
#: costs as much as forwarding a worker's command, and none of this data is urgent.
_GATHER_SECONDS, _GATHER_LIMIT = 0.02, 64 * 1024


class FeedConnection(asyncio.Protocol):
    """A connection that sends `begin` first; `ready` is set once it delivers its data.

    `lost` is called with the reason when it ends (unless this process closed it), or when it
    delivers other data.
    """

    begin = b""
    transport: asyncio.Transport

    def __init__(self, lost: Callable[[str], None]) -> None:
        self._lost = lost
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """End the connection without calling `lost`; may be called before it is established."""
        self._lost = lambda _: None
        if hasattr(self, "transport"):
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by duck typing
        self.transport.write(self.begin)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(f"Redis has ended the connection: {exc or 'it was closed'}")

    def gather(self, data: bytes) -> None:
        """Pause reading after `data`, so that more data is read together."""
        if len(data) < _GATHER_LIMIT:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self.transport.resume_reading)
