"""The tap as a program: waits for its broker, then listens for workers and its control."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Callable

import uvloop

from harness.core.errors import QueuejobError, TimedOut
from harness.tap.control.outbox import RecordOutbox
from harness.tap.control.server import Control
from harness.tap.protocols.amqp import Amqp
from harness.tap.protocols.base import Decoder
from harness.tap.protocols.redis import Resp
from harness.tap.proxy.proxy import Proxy
from harness.tap.redis_feed.feed import RedisFeed

_DIALECTS: dict[str, Callable[[int], Decoder]] = {"redis": Resp, "amqp": Amqp}
#: Seconds for one attempt to reach the broker, and between two attempts.
_CONNECT_TIMEOUT, _RETRY_INTERVAL = 5.0, 0.1
#: Seconds for the links to Redis to start, and for a tick to return.
_START_TIMEOUT, _SYNC_TIMEOUT = 30.0, 10.0


class Options(argparse.Namespace):
    """The options of the command line."""

    protocol: str
    listen: int
    upstream: tuple[str, int]
    control: int
    #: Seconds to wait for the broker.
    patience: float
    host: str


def options(words: list[str]) -> Options:
    """Parse the command line; exit the process when it is invalid."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.tap",
        description="Passes workers on to a broker, and tells its control what they say.",
    )
    parser.add_argument("--protocol", required=True, choices=sorted(_DIALECTS))
    parser.add_argument("--listen", required=True, type=int, help="port for the workers")
    parser.add_argument("--upstream", required=True, type=_address, help="the broker, HOST:PORT")
    parser.add_argument("--control", required=True, type=int, help="port for the control")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104  # for pods
    parser.add_argument(
        "--patience", type=float, default=180.0, help="seconds for the broker to come up"
    )
    return parser.parse_args(words, Options())


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def run(chosen: Options, stop: asyncio.Event, tell: Callable[[str], None]) -> None:
    """Serve until `stop` is set.

    The control port listens last: when a client reaches it, everything is ready.
    """
    outbox = RecordOutbox()
    proxy = Proxy(chosen.upstream, _DIALECTS[chosen.protocol], outbox.record)

    def shut(why: str) -> None:
        proxy.shut = why

    redis_feed = RedisFeed(chosen.upstream, outbox.record, lambda: bool(proxy.links), shut)

    async def sync() -> None:
        if chosen.protocol == "redis":
            await redis_feed.sync(_SYNC_TIMEOUT)

    control = Control(proxy, outbox, sync)
    try:
        await _wait_for_broker(chosen, stop, tell)
        if chosen.protocol == "redis":
            await redis_feed.start(_START_TIMEOUT)
        port = await proxy.start(chosen.host, chosen.listen)
        control_port = await control.start(chosen.host, chosen.control)
        # These objects stay alive: freezing them spares the collector a scan while workers wait.
        gc.freeze()
        tell(f"workers: port {port}, control: port {control_port}")
        await stop.wait()
    finally:
        redis_feed.stop()
        await proxy.stop()
        control.stop()


async def _wait_for_broker(
    chosen: Options, stop: asyncio.Event, tell: Callable[[str], None]
) -> None:
    """Wait until the broker accepts connections; `TimedOut` when it does not in time."""
    host, port = chosen.upstream
    tell(f"waiting for the broker at {host}:{port}")
    seen = "nothing"
    try:
        async with asyncio.timeout(chosen.patience):
            while not stop.is_set():
                try:
                    async with asyncio.timeout(_CONNECT_TIMEOUT):
                        _, writer = await asyncio.open_connection(host, port)
                except OSError as error:  # TimeoutError is an OSError
                    seen = str(error) or f"no answer within {_CONNECT_TIMEOUT:g} s"
                else:
                    writer.close()
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _RETRY_INTERVAL)
    except TimeoutError:
        raise TimedOut(
            f"waited {chosen.patience:g} s in vain for the broker at {host}:{port}", seen=seen
        ) from None


def main(words: list[str]) -> int:
    """Run the tap; return the exit code."""

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        task = loop.create_task(run(chosen, stop, lambda line: print(line, flush=True)))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    chosen = options(words)
    try:
        uvloop.run(serve())  # takes half the time of asyncio's own loop per message
    except QueuejobError as error:
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
    return 0
