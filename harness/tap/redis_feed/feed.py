"""Reports of Redis itself: MONITOR and the replica link, and ticks that appear in both."""

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

#: Seconds from one tick to the next, while there is anything to report.
PERIOD = 0.05
#: Seconds within which all connections are lost when Redis ends.
_LOSS_WINDOW = 1.0
#: Seconds for Redis to return, for one attempt to connect, and between two attempts.
_RETURN_TIMEOUT, _CONNECT_TIMEOUT, _RETRY_INTERVAL = 120.0, 10.0, 0.2


class RedisFeed:
    """Three connections to Redis at `upstream`; `sink` receives their data as `RawFeedData`.

    `busy` returns whether a client is connected: then, and after each change, the feed sends ticks.
    When Redis ends and starts again, the feed records that and connects again. Until then it has
    called `shut` with the reason why the proxy must not accept clients ("" when it may): their
    actions would go unseen. When a link is lost for another reason, the feed records one `Gap`.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        sink: Sink,
        busy: Callable[[], bool],
        shut: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._upstream, self._sink, self._busy, self._shut = upstream, sink, busy, shut
        #: The connections, while Redis is reachable.
        self._session: FeedSession | None = None
        self._run = ""
        self._tick_timer: asyncio.TimerHandle | None = None
        self._loss_timer: asyncio.TimerHandle | None = None
        self._return_task: asyncio.Task[None] | None = None
        self._number = 0
        self._seen = {"monitor": 0, "replica": 0}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._dirty = False
        self._ended = asyncio.Event()
        #: The reason why a link is lost for good, once it is.
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def start(self, timeout: float) -> None:
        """Connect, and return when both streams have begun.

        Raises `InfrastructureError` when Redis refuses, `TimedOut` after `timeout` seconds.
        """
        session = FeedSession(self._on_data, self._lost)
        try:
            async with asyncio.timeout(timeout):
                await session.open(self._upstream)
                if session.ticker.keyspace:
                    why = f"Redis had keys before the tap was there: {session.ticker.keyspace}"
                    self._sink(Gap("replica", why))
                await self._begin(session)
        except TimeoutError:
            self.stop()
            what = "MONITOR and the replica's link to begin"
            raise self._timeout_error(timeout, what, "a tick in both") from None
        finally:
            if self._session is not session:
                session.close()

    def stop(self) -> None:
        """Close all connections without a record."""
        self._ended.set()
        for timer in (self._tick_timer, self._loss_timer):
            if timer is not None:
                timer.cancel()
        if self._return_task is not None:
            self._return_task.cancel()
        if self._session is not None:
            self._session.close()

    async def sync(self, timeout: float) -> None:
        """Return when all earlier actions of Redis are recorded; at once when a link is lost.

        Raises `TimedOut` after `timeout` seconds, `InfrastructureError` when a link is lost
        meanwhile.
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
            raise self._timeout_error(timeout, what, f"tick {number} in both streams") from None
        if self._broken.done():
            raise InfrastructureError("what Redis tells is lost", seen=self._broken.result())

    # -- ticks --------------------------------------------------------------------------------

    def _beat(self) -> None:
        if self._session is None:
            return
        if self._dirty or self._session.replica.waits or self._waiting or self._busy():
            self._tick()
        self._dirty = False
        self._tick_timer = asyncio.get_running_loop().call_later(PERIOD, self._beat)

    def _tick(self, life: FeedSession | None = None) -> int:
        """Send a tick where Redis is reachable, and return its number.

        Without Redis the next tick exceeds the returned number.
        """
        self._number += 1
        if life := life or self._session:
            life.ticker.tick(self._number)
        return self._number

    def _passed(self, number: int) -> asyncio.Future[None]:
        """Return a future that is done once this tick has appeared in both streams."""
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((number, passed))
        return passed

    async def _begin(self, life: FeedSession) -> None:
        """Start the session: from the first tick in both streams on, all actions are seen."""
        await life.until(self._passed(self._tick(life)))
        self._session, self._run = life, life.ticker.run
        self._beat()

    def _timeout_error(self, timeout: float, what: str, expected: str) -> TimedOut:
        seen = " and ".join(f"tick {last} in {where}" for where, last in self._seen.items())
        return TimedOut(f"waited {timeout:g} s in vain for {what}", expected=expected, seen=seen)

    # -- data of the links --------------------------------------------------------------------

    def _on_data(self, where: Literal["monitor", "replica"], data: bytes) -> None:
        self._sink(RawFeedData(where, data))
        tick_matches = ticks(where, data)
        if not tick_matches:
            self._dirty = True
            return
        self._dirty = tick_matches[-1].end() < len(data)
        self._seen[where] = int(tick_matches[-1][1])
        self._pass()

    def _pass(self) -> None:
        """Notify the tasks that wait for a tick that has appeared in both streams."""
        least = min(self._seen.values())
        for wanted, passed in self._waiting:
            if wanted <= least and not passed.done():
                passed.set_result(None)
        self._waiting = [waiter for waiter in self._waiting if not waiter[1].done()]

    # -- when they end ------------------------------------------------------------------------

    def _lost(self, life: FeedSession) -> None:
        if life is not self._session or self._ended.is_set():
            return  # the task that opens a session handles its errors
        if self._loss_timer is None:
            self._shut(_first_loss(life)[1])
            later = asyncio.get_running_loop().call_later
            self._loss_timer = later(_LOSS_WINDOW, lambda: self._give_up(*_first_loss(life)))
        if life.over:
            self._loss_timer.cancel()
            self._loss_timer = self._session = None
            self._return_task = asyncio.get_running_loop().create_task(self._await_return(life))

    def _give_up(self, of: str, why: str) -> None:
        """Stop for good; clients may connect again, because nothing can be observed any more."""
        self.stop()
        self._broken.set_result(why)
        self._sink(Gap(of, why))
        self._shut("")

    async def _await_return(self, lost: FeedSession) -> None:
        """Record the end of Redis, wait until it is reachable again, and check its data."""
        lost.close()
        of, why = _first_loss(lost)
        self._sink(BrokerLost(why))
        session: FeedSession | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RETURN_TIMEOUT):
                while (session := await self._try_connect()) is None:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._ended.wait(), _RETRY_INTERVAL)
        if session is None:
            self._give_up(of, f"{why}; it was not there again within {_RETURN_TIMEOUT:g} s")
        elif session.ticker.run == self._run:
            session.close()
            self._give_up(of, f"{why}; it has gone on, and what it did then was not seen")
        else:
            await self._resume(session)

    async def _try_connect(self) -> FeedSession | None:
        """Return a session with a Redis that serves; None where there is none yet."""
        session = FeedSession(self._on_data, self._lost)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await session.open(self._upstream)
        except (OSError, InfrastructureError):  # TimeoutError is an OSError
            session.close()
            return None
        except asyncio.CancelledError:
            session.close()
            raise
        return session

    async def _resume(self, life: FeedSession) -> None:
        self._sink(BrokerBack(life.ticker.keys))
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await self._begin(life)
        except (TimeoutError, InfrastructureError) as error:
            life.close()
            self._give_up("replica", f"Redis was back, and was lost at once: {error}")
        else:
            self._shut("")


def _first_loss(life: FeedSession) -> tuple[str, str]:
    """Return the connection that was lost first, and the reason."""
    return next(iter(life.away.items()))
