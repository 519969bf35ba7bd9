"""What Redis itself tells: MONITOR and a replica's link, and ticks that show up in both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import hiredis

from harness.errors import InfrastructureError, TimedOut
from harness.history import Gap
from harness.tap.inlet import Inlet
from harness.tap.monitor import Monitor
from harness.tap.reading import CHANNEL, ticks
from harness.tap.records import Sink, Unread
from harness.tap.replica import Replica

#: Seconds from one tick to the next, while there is something to tell.
PERIOD = 0.05

_NOTHING = object()


class Witness:
    """Three connections to Redis at `upstream`; all that comes on them goes to `sink`, `Unread`.

    `busy` says whether somebody is connected: then, and after whatever has happened, it ticks. When
    a link is lost, a `Gap` says so, once.
    """

    def __init__(self, upstream: tuple[str, int], sink: Sink, busy: Callable[[], bool]) -> None:
        self._upstream, self._sink, self._busy = upstream, sink, busy
        self._monitor: Monitor | None = None
        self._replica: Replica | None = None
        self._ticker: _Ticker | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._number = 0
        self._seen = {"monitor": 0, "replica": 0}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._dirty = self._over = False
        #: Why a link is lost, once one is.
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def start(self, timeout: float) -> None:
        """Connect, and return when both streams have begun.

        Raises `InfrastructureError` when Redis refuses, `TimedOut` after `timeout` seconds.
        """
        monitor, replica, ticker = (
            Monitor(partial(self._told, "monitor"), partial(self._lost, "monitor")),
            Replica(partial(self._told, "replica"), partial(self._lost, "replica")),
            _Ticker(partial(self._lost, "ticks")),
        )
        self._monitor, self._replica, self._ticker = monitor, replica, ticker
        try:
            async with asyncio.timeout(timeout):
                for link in (ticker, replica, monitor):
                    await self._open(link)
                if ticker.keyspace:
                    why = f"Redis had keys before the tap was there: {ticker.keyspace}"
                    self._sink(Gap("replica", why))
                await self._both(self._tick())
        except TimeoutError:
            self.stop()
            what = "MONITOR and the replica's link to begin"
            raise self._in_vain(timeout, what, "a tick in both") from None
        self._beat()

    def stop(self) -> None:
        """Close all three, without a word."""
        self._over = True
        if self._beating is not None:
            self._beating.cancel()
        for link in (self._monitor, self._replica, self._ticker):
            if link is not None:
                link.close()

    async def sync(self, timeout: float) -> None:
        """Return when all has been told that Redis did before this; at once when a link is lost.

        Raises `TimedOut` after `timeout` seconds, `InfrastructureError` when a link is lost now.
        """
        if self._over:
            return
        number = self._tick()
        try:
            async with asyncio.timeout(timeout):
                await self._both(number)
        except TimeoutError:
            what = "all that Redis did to be told"
            raise self._in_vain(timeout, what, f"tick {number} in both streams") from None

    # -- ticks --------------------------------------------------------------------------------

    def _beat(self) -> None:
        assert self._replica is not None
        if self._dirty or self._replica.waits or self._busy():
            self._tick()
        self._dirty = False
        self._beating = asyncio.get_running_loop().call_later(PERIOD, self._beat)

    def _tick(self) -> int:
        assert self._ticker is not None
        self._number += 1
        self._ticker.tick(self._number)
        return self._number

    async def _both(self, number: int) -> None:
        """Until this tick was seen in both streams."""
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((number, passed))
        await self._until(passed)

    async def _open(self, link: Inlet) -> None:
        await asyncio.get_running_loop().create_connection(lambda: link, *self._upstream)
        await self._until(link.ready)

    async def _until(self, wanted: asyncio.Future[None]) -> None:
        either: list[asyncio.Future[Any]] = [wanted, self._broken]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._broken.done():
            raise InfrastructureError("what Redis tells is lost", seen=self._broken.result())

    def _in_vain(self, timeout: float, what: str, expected: str) -> TimedOut:
        seen = " and ".join(f"tick {last} in {where}" for where, last in self._seen.items())
        return TimedOut(f"waited {timeout:g} s in vain for {what}", expected=expected, seen=seen)

    # -- what the links tell ------------------------------------------------------------------

    def _told(self, where: Literal["monitor", "replica"], data: bytes) -> None:
        self._sink(Unread(where, data))
        found = ticks(where, data)
        if not found:
            self._dirty = True
            return
        self._dirty = found[-1].end() < len(data)
        self._seen[where] = int(found[-1][1])
        self._pass()

    def _pass(self) -> None:
        """Tell those who wait for a tick that has come in both streams."""
        least = min(self._seen.values())
        for wanted, passed in self._waiting:
            if wanted <= least and not passed.done():
                passed.set_result(None)
        self._waiting = [one for one in self._waiting if not one[1].done()]

    def _lost(self, of: str, why: str) -> None:
        if self._over:
            return
        self.stop()
        self._broken.set_result(why)
        self._sink(Gap(of, why))


class _Ticker(Inlet):
    """The connection that ticks; first it asks what Redis has already."""

    begin = b"INFO keyspace\r\n"

    def __init__(self, lost: Callable[[str], None]) -> None:
        super().__init__(lost)
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        #: Databases that have keys, as INFO tells it.
        self.keyspace = ""

    def tick(self, number: int) -> None:
        self.transport.write(b"PUBLISH %s %d\r\n" % (CHANNEL, number))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not _NOTHING:
            if isinstance(answer, hiredis.ReplyError):
                self._lost(f"Redis refuses the tap's ticks: {answer}")
            elif not self.ready.done():
                lines = bytes(answer).decode("latin-1").split()
                self.keyspace = " ".join(line for line in lines if line.startswith("db"))
                self.ready.set_result(None)
