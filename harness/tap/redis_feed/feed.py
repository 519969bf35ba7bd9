"""What Redis itself tells: MONITOR and a replica's link, and ticks that show up in both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Literal

from harness.core.errors import InfrastructureError, TimedOut
from harness.history import BrokerBack, BrokerLost, Gap
from harness.tap.records import RawFeedData, Sink
from harness.tap.redis_feed.parser import ticks
from harness.tap.redis_feed.session import FeedSession

#: Seconds from one tick to the next, while there is something to tell.
PERIOD = 0.05
#: Seconds within which a Redis that ends takes all of its connections with it.
_TOGETHER = 1.0
#: Seconds for it to be there again, for one try, and between two of them.
_BACK, _TRY, _BETWEEN = 120.0, 10.0, 0.2


class RedisFeed:
    """Three connections to Redis at `upstream`; what comes on them goes to `sink` as `RawFeedData`.

    `busy` says whether somebody is connected: then, and after whatever has happened, it ticks.
    When Redis ends, and is started again, that is told, and the connections are made anew; until
    then `shut` has been told why nobody may be let in ("" when they may): what they did would not
    be seen. When a link is lost for another reason, a `Gap` says so, once.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        sink: Sink,
        busy: Callable[[], bool],
        shut: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._upstream, self._sink, self._busy, self._shut = upstream, sink, busy, shut
        #: The connections, while Redis is there.
        self._life: FeedSession | None = None
        self._run = ""
        self._beating: asyncio.TimerHandle | None = None
        self._judging: asyncio.TimerHandle | None = None
        self._returning: asyncio.Task[None] | None = None
        self._number = 0
        self._seen = {"monitor": 0, "replica": 0}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._dirty = False
        self._ended = asyncio.Event()
        #: Why a link is lost, once one is, for good.
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def start(self, timeout: float) -> None:
        """Connect, and return when both streams have begun.

        Raises `InfrastructureError` when Redis refuses, `TimedOut` after `timeout` seconds.
        """
        life = FeedSession(self._told, self._lost)
        try:
            async with asyncio.timeout(timeout):
                await life.open(self._upstream)
                if life.ticker.keyspace:
                    why = f"Redis had keys before the tap was there: {life.ticker.keyspace}"
                    self._sink(Gap("replica", why))
                await self._begin(life)
        except TimeoutError:
            self.stop()
            what = "MONITOR and the replica's link to begin"
            raise self._in_vain(timeout, what, "a tick in both") from None
        finally:
            if self._life is not life:
                life.close()

    def stop(self) -> None:
        """Close all connections, without a word."""
        self._ended.set()
        for timer in (self._beating, self._judging):
            if timer is not None:
                timer.cancel()
        if self._returning is not None:
            self._returning.cancel()
        if self._life is not None:
            self._life.close()

    async def sync(self, timeout: float) -> None:
        """Return when all has been told that Redis did before this; at once when a link is lost.

        Raises `TimedOut` after `timeout` seconds, `InfrastructureError` when a link is lost now.
        """
        if self._ended.is_set():
            return
        number = self._tick()
        try:
            async with asyncio.timeout(timeout):
                either: list[asyncio.Future[Any]] = [self._passed(number), self._broken]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            what = "all that Redis did to be told"
            raise self._in_vain(timeout, what, f"tick {number} in both streams") from None
        if self._broken.done():
            raise InfrastructureError("what Redis tells is lost", seen=self._broken.result())

    # -- ticks --------------------------------------------------------------------------------

    def _beat(self) -> None:
        if self._life is None:
            return
        if self._dirty or self._life.replica.waits or self._waiting or self._busy():
            self._tick()
        self._dirty = False
        self._beating = asyncio.get_running_loop().call_later(PERIOD, self._beat)

    def _tick(self, life: FeedSession | None = None) -> int:
        """Tick where Redis is there; else the number is one that the next tick goes beyond."""
        self._number += 1
        if life := life or self._life:
            life.ticker.tick(self._number)
        return self._number

    def _passed(self, number: int) -> asyncio.Future[None]:
        """Done once this tick was seen in both streams."""
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((number, passed))
        return passed

    async def _begin(self, life: FeedSession) -> None:
        """From the first tick in both streams on, what Redis does is seen."""
        await life.until(self._passed(self._tick(life)))
        self._life, self._run = life, life.ticker.run
        self._beat()

    def _in_vain(self, timeout: float, what: str, expected: str) -> TimedOut:
        seen = " and ".join(f"tick {last} in {where}" for where, last in self._seen.items())
        return TimedOut(f"waited {timeout:g} s in vain for {what}", expected=expected, seen=seen)

    # -- what the links tell ------------------------------------------------------------------

    def _told(self, where: Literal["monitor", "replica"], data: bytes) -> None:
        self._sink(RawFeedData(where, data))
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

    # -- when they end ------------------------------------------------------------------------

    def _lost(self, life: FeedSession) -> None:
        if life is not self._life or self._ended.is_set():
            return  # whoever opens it sees for himself
        if self._judging is None:
            self._shut(_first(life)[1])
            later = asyncio.get_running_loop().call_later
            self._judging = later(_TOGETHER, lambda: self._give_up(*_first(life)))
        if life.over:
            self._judging.cancel()
            self._judging = self._life = None
            self._returning = asyncio.get_running_loop().create_task(self._return(life))

    def _give_up(self, of: str, why: str) -> None:
        """Nothing can be seen any more; who wants to may be let in again."""
        self.stop()
        self._broken.set_result(why)
        self._sink(Gap(of, why))
        self._shut("")

    async def _return(self, lost: FeedSession) -> None:
        """Redis has ended: tell it, wait until it is there again, and see what it has."""
        lost.close()
        of, why = _first(lost)
        self._sink(BrokerLost(why))
        life: FeedSession | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BACK):
                while (life := await self._another()) is None:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._ended.wait(), _BETWEEN)
        if life is None:
            self._give_up(of, f"{why}; it was not there again within {_BACK:g} s")
        elif life.ticker.run == self._run:
            life.close()
            self._give_up(of, f"{why}; it has gone on, and what it did then was not seen")
        else:
            await self._go_on(life)

    async def _another(self) -> FeedSession | None:
        """Connections to a Redis that serves; None where there is none yet."""
        life = FeedSession(self._told, self._lost)
        try:
            async with asyncio.timeout(_TRY):
                await life.open(self._upstream)
        except (OSError, InfrastructureError):  # TimeoutError is an OSError
            life.close()
            return None
        except asyncio.CancelledError:
            life.close()
            raise
        return life

    async def _go_on(self, life: FeedSession) -> None:
        self._sink(BrokerBack(life.ticker.keys))
        try:
            async with asyncio.timeout(_TRY):
                await self._begin(life)
        except (TimeoutError, InfrastructureError) as error:
            life.close()
            self._give_up("replica", f"Redis was back, and was lost at once: {error}")
        else:
            self._shut("")


def _first(life: FeedSession) -> tuple[str, str]:
    """Which connection was lost first, and why."""
    return next(iter(life.away.items()))
