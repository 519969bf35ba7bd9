"""The tap's own connections to one run of Redis: they start together, and end together."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import hiredis

from harness.core.errors import InfrastructureError
from harness.tap.redis_feed.base import FeedConnection
from harness.tap.redis_feed.monitor import Monitor
from harness.tap.redis_feed.parser import CHANNEL
from harness.tap.redis_feed.replica import Replica

_NOTHING = object()
_RUN = re.compile(r"^run_id:(\w+)", re.MULTILINE)
#: Items are in database 0; other databases are out of scope.
_KEYS = re.compile(r"^db0:keys=(\d+)(?:,expires=(\d+))?", re.MULTILINE)

Told = Callable[[Literal["monitor", "replica"], bytes], None]


class FeedSession:
    """MONITOR, the replica link, and the connection that sends ticks.

    `told` receives the data of the first two, unparsed. `lost` is called for each connection that
    ends (or delivers other data), unless this process closed it. `away` maps the lost connections
    to the reasons, the first one first.
    """

    def __init__(self, told: Told, lost: Callable[[FeedSession], None]) -> None:
        self._on_lost = lost
        self.away: dict[str, str] = {}
        self.broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.monitor = Monitor(partial(told, "monitor"), partial(self._lost, "monitor"))
        self.replica = Replica(partial(told, "replica"), partial(self._lost, "replica"))
        self.ticker = _Ticker(partial(self._lost, "ticks"))
        self._links: tuple[FeedConnection, ...] = (self.ticker, self.replica, self.monitor)

    @property
    def over(self) -> bool:
        """Whether all connections have ended."""
        return len(self.away) == len(self._links)

    async def open(self, upstream: tuple[str, int]) -> None:
        """Connect one after the other, the ticker first: it reads the existing keys.

        Raises `OSError` where no server listens, `InfrastructureError` when Redis refuses.
        """
        for link in self._links:
            await asyncio.get_running_loop().create_connection(lambda it=link: it, *upstream)  # type: ignore[misc]  # its default binds it
            await self.until(link.ready)

    async def until(self, wanted: asyncio.Future[None]) -> None:
        """Wait for a future; `InfrastructureError` when a connection is lost before it is done."""
        either: list[asyncio.Future[Any]] = [wanted, self.broken]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self.broken.done():
            raise InfrastructureError("what Redis tells is lost", seen=self.broken.result())

    def close(self) -> None:
        """End all three connections without calling `lost`."""
        for link in self._links:
            link.close()

    def _lost(self, of: str, why: str) -> None:
        self.away.setdefault(of, why)
        if not self.broken.done():
            self.broken.set_result(why)
        self._on_lost(self)


class _Ticker(FeedConnection):
    """The connection that sends ticks; before, it asks for the identity and the keys of Redis."""

    begin = b"INFO\r\n"

    def __init__(self, lost: Callable[[str], None]) -> None:
        super().__init__(lost)
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        #: Databases that have keys, in the form of INFO.
        self.keyspace = ""
        #: Identifies this run of Redis; empty where INFO lacks it.
        self.run = ""
        #: Number of keys without an expiry.
        self.keys = 0

    def tick(self, number: int) -> None:
        self.transport.write(b"PUBLISH %s %d\r\n" % (CHANNEL, number))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not _NOTHING:
            if isinstance(answer, hiredis.ReplyError):
                self._lost(f"Redis refuses the tap's ticks: {answer}")
            elif not self.ready.done():
                self._read_info(bytes(answer).decode("latin-1"))
                self.ready.set_result(None)

    def _read_info(self, told: str) -> None:
        lines = told.split()
        self.keyspace = " ".join(line for line in lines if re.match(r"db\d+:", line))
        if run_id := _RUN.search(told):
            self.run = run_id[1]
        if counts := _KEYS.search(told):
            self.keys = int(counts[1]) - int(counts[2] or 0)
