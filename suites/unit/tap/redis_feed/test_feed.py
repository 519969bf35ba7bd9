"""What Redis tells of itself is read exactly, and what of it gets lost is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import InfrastructureError, TimedOut
from harness.history import BrokerBack, BrokerLost, Gap
from harness.tap.records import Broker, Effect, Monitored, RawFeedData, Record, Tick
from harness.tap.redis_feed.feed import RedisFeed
from harness.tap.redis_feed.monitor import Monitor
from harness.tap.redis_feed.parser import FeedParser, parsed
from harness.tap.redis_feed.replica import Replica

ME = "127.0.0.1"
BOUND = 5.0
#: The data of an empty Redis; all that matters is that nothing of them is taken for commands.
RDB = b"REDIS0010\xfa*1\r\n$4\r\nPING\r\n\xff" + bytes(8)
MARK = b"0123456789" * 4
TICK = b"*3\r\n$7\r\nPUBLISH\r\n$13\r\nqueuejob:tick\r\n$1\r\n7\r\n"
RPUSH = b"*3\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n$3\r\na\r\n\r\n"


# -- MONITOR --------------------------------------------------------------------------------------


def quoted(word: bytes) -> bytes:
    """As Redis shows a word: all but printable ASCII is escaped."""
    letters = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
    shown = (
        letters.get(one, bytes((one,)) if 32 <= one < 127 else b"\\x%02x" % one) for one in word
    )
    return b'"%s"' % b"".join(shown)


def line(*words: bytes, client: bytes = b"127.0.0.1:5", at: bytes = b"1.500000") -> bytes:
    return b"+%s [0 %s] %s" % (at, client, b" ".join(quoted(word) for word in words))


def test_a_line_says_who_ran_what_and_when() -> None:
    assert parsed(b'+1795343149.678920 [3 127.0.0.1:46090] "LPUSH" "q" "a b"') == Monitored(
        1795343149.67892, "127.0.0.1:46090", 3, (b"LPUSH", b"q", b"a b")
    )


@pytest.mark.parametrize("client", ["lua", "unix:/run/redis.sock", "[::1]:6379"])
def test_not_all_that_runs_comes_from_an_address(client: str) -> None:
    assert parsed(line(b"GET", b"k", client=client.encode())).client == client


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_every_word_is_read_as_it_was_said(words: list[bytes]) -> None:
    assert parsed(line(*words)).words == tuple(words)


@pytest.mark.parametrize("said", [b"+OK", b"-ERR no", b"", b'+1.5 [0 lua] "GET', b"+1.5 [0 lua]"])
def test_what_is_no_line_is_not_taken_for_one(said: bytes) -> None:
    with pytest.raises(ValueError, match="none of its lines"):
        parsed(said)


def read(where: Literal["monitor", "replica"], data: bytes) -> list[Broker]:
    return list(FeedParser().read(RawFeedData(where, data)))


class Wire(asyncio.Transport):
    """A transport that only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said += bytes(data)

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def in_loop(play: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(30):
            await play()

    uvloop.run(run())


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_monitor_is_read_in_any_chunks(size: int) -> None:
    async def play() -> None:
        chunks: list[bytes] = []
        lost: list[str] = []
        monitor = Monitor(chunks.append, lost.append)
        monitor.connection_made(Wire())
        data = b"+OK\r\n" + line(b"GET", b"a\r\n") + b"\r\n" + line(b"GET", b"b") + b"\r\n"
        for at in range(0, len(data), size):
            monitor.data_received(data[at : at + size])
        assert monitor.ready.done()
        assert all(chunk.endswith(b"\r\n") for chunk in chunks)
        assert read("monitor", b"".join(chunks)) == [
            Monitored(1.5, "127.0.0.1:5", 0, (b"GET", b"a\r\n")),
            Monitored(1.5, "127.0.0.1:5", 0, (b"GET", b"b")),
        ]
        assert lost == []

    in_loop(play)


# -- the replica's link ---------------------------------------------------------------------------


def whole(data: bytes) -> bytes:
    return b"\n\n$%d\r\n%s" % (len(data), data)


def until_mark(data: bytes) -> bytes:
    return b"\n$EOF:%s\r\n%s%s" % (MARK, data, MARK)


@pytest.mark.parametrize("size", [1, 3, 39, 1000])
@pytest.mark.parametrize("form", [whole, until_mark])
def test_a_replica_passes_over_the_data_and_reads_the_rest(
    form: Callable[[bytes], bytes], size: int
) -> None:
    async def play() -> None:
        chunks: list[bytes] = []
        lost: list[str] = []
        replica, wire = Replica(chunks.append, lost.append), Wire()
        replica.connection_made(wire)
        data = b"+OK\r\n" + form(RDB) + RPUSH * 2 + TICK + RPUSH
        for at in range(0, len(data), size):
            replica.data_received(data[at : at + size])
        rpush = Effect((b"RPUSH", b"q", b"a\r\n"))
        assert read("replica", b"".join(chunks)) == [rpush, rpush, Tick(7, "replica")]
        waited = replica.waits
        replica.data_received(TICK)
        assert (waited, replica.waits) == (True, False)
        assert read("replica", chunks[-1]) == [rpush, Tick(7, "replica")]
        assert wire.said.startswith(b"REPLCONF capa eof\r\nSYNC\r\nREPLCONF ACK 0\r\n")
        assert lost == []
        replica.close()

    in_loop(play)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"-NOAUTH Authentication required.\r\n", "NOAUTH"),
        (b"+OK\r\n-ERR unknown command\r\n", "unknown command"),
    ],
)
def test_a_link_that_is_no_replica_s_is_told(data: bytes, why: str) -> None:
    async def play() -> None:
        lost: list[str] = []
        replica = Replica(lambda _: None, lost.append)
        replica.connection_made(Wire())
        replica.data_received(data)
        (told,) = lost
        assert why in told
        replica.close()

    in_loop(play)


def test_what_cannot_be_read_is_told_once_and_the_other_link_goes_on() -> None:
    reading = FeedParser()
    first, second = (list(reading.read(RawFeedData("replica", b"?\r\n"))) for _ in range(2))
    (gap,) = first
    assert isinstance(gap, Gap)
    assert gap.of == "replica"
    assert second == []
    assert len(list(reading.read(RawFeedData("monitor", line(b"GET", b"k") + b"\r\n")))) == 1


# -- both together --------------------------------------------------------------------------------


class Redis:
    """Just enough of one: it repeats what it is told to MONITOR and to its replica."""

    def __init__(self, keyspace: str = "", deaf_to_acks: int = 3) -> None:
        self.keyspace, self._deaf = keyspace, deaf_to_acks
        self.run, self._port = "a", 0
        self.monitor: asyncio.StreamWriter | None = None
        self.replica: asyncio.StreamWriter | None = None
        self.refuses: bytes = b""
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Redis:
        self._server = await asyncio.start_server(self._serve, ME, self._port)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()
        self._server.close()

    def hang_up(self) -> None:
        """End all connections."""
        self.monitor = self.replica = None
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def restart(self, keyspace: str = "") -> None:
        """Be another run, with other data."""
        self.hang_up()
        self._server.close()
        self.run, self.keyspace, self._port = f"{self.run}b", keyspace, self.port
        await self.__aenter__()

    def ran(self, *words: bytes) -> None:
        if self.monitor is not None:
            self.monitor.write(line(*words) + b"\r\n")
        if self.replica is not None and not self._deaf:
            raw = b"".join(b"$%d\r\n%s\r\n" % (len(one), one) for one in words)
            self.replica.write(b"*%d\r\n%s" % (len(words), raw))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while said := await reader.readline():
            self._answer(said.split(), writer)

    def _answer(self, words: list[bytes], writer: asyncio.StreamWriter) -> None:
        if self.refuses == words[0]:
            writer.write(b"-NOPERM no\r\n")
        elif words[0] == b"INFO":
            info = f"run_id:{self.run}\r\n# Keyspace\r\n{self.keyspace}".encode()
            writer.write(b"$%d\r\n%s\r\n" % (len(info), info))
        elif words[0] == b"MONITOR":
            self.monitor = writer
            writer.write(b"+OK\r\n")
        elif words[0] == b"SYNC":
            self.replica = writer
            writer.write(until_mark(RDB))
        elif words[:2] == [b"REPLCONF", b"ACK"]:
            self._deaf = max(0, self._deaf - 1)
            if not self._deaf:
                self.ran(b"PUBLISH", b"queuejob:tick", b"1")
        elif words[0] == b"PUBLISH":
            self.ran(*words)
            writer.write(b":0\r\n")
        else:
            writer.write(b"+OK\r\n")


class Scene:
    """A Redis, a witness of it, and what that has told."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.busy = redis, False
        self.records: list[Record] = []
        self._news, self._reading = asyncio.Event(), FeedParser()
        #: Why nobody may be let in, one after the other.
        self.shut: list[str] = []
        self.witness = RedisFeed(
            (ME, redis.port), self._record, lambda: self.busy, self.shut.append
        )

    def _record(self, record: Record | RawFeedData) -> None:
        if isinstance(record, RawFeedData):
            self.records += self._reading.read(record)
        else:
            self.records.append(record)
        self._news.set()

    async def until(self, test: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND):
            while not test():
                self._news.clear()
                await self._news.wait()

    def ticks(self, where: str) -> list[int]:
        return [one.number for one in self.records if isinstance(one, Tick) and one.where == where]

    @property
    def told(self) -> list[Record]:
        return [one for one in self.records if not isinstance(one, Tick)]


def witnessed(play: Callable[[Scene], Awaitable[None]], **options: object) -> None:
    async def run() -> None:
        async with Redis(**options) as redis:  # type: ignore[arg-type]  # the test's own words
            scene = Scene(redis)
            try:
                await play(scene)
            finally:
                scene.witness.stop()

    in_loop(run)


def test_it_begins_when_a_tick_came_both_ways() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        assert scene.told == []
        assert 1 in scene.ticks("monitor")
        assert 1 in scene.ticks("replica")

    witnessed(play)


def test_what_redis_does_is_followed_by_a_tick_and_then_it_is_quiet() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        before = len(scene.ticks("replica"))
        scene.redis.ran(b"RPUSH", b"q", b"a")
        await scene.until(lambda: len(scene.ticks("replica")) > before)
        assert scene.told == [
            Monitored(1.5, "127.0.0.1:5", 0, (b"RPUSH", b"q", b"a")),
            Effect((b"RPUSH", b"q", b"a")),
        ]
        quiet = len(scene.records)
        await asyncio.wait([asyncio.ensure_future(scene._news.wait())], timeout=0.2)
        assert len(scene.records) <= quiet + 2  # one tick may have been on its way
        scene.busy = True
        await scene.until(lambda: len(scene.records) > quiet + 6)

    witnessed(play)


def test_after_a_sync_all_is_told_that_was_before() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        for number in range(50):
            scene.redis.ran(b"RPUSH", b"q", b"%d" % number)
        await scene.witness.sync(BOUND)
        assert len(scene.told) == 100

    witnessed(play)


def test_who_publishes_in_the_tap_s_channel_makes_no_tick() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        scene.redis.ran(b"PUBLISH", b"queuejob:tick", b"now")
        await scene.witness.sync(BOUND)
        assert len(scene.told) == 2

    witnessed(play)


def test_keys_that_were_there_before_are_told() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        (gap,) = scene.told
        assert gap == Gap("replica", "Redis had keys before the tap was there: db0:keys=3")

    witnessed(play, keyspace="db0:keys=3")


@pytest.mark.parametrize("which", ["monitor", "replica"])
def test_a_lost_link_is_a_gap_and_nobody_waits_for_it(which: str) -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        writer: asyncio.StreamWriter = getattr(scene.redis, which)
        scene.redis.monitor = scene.redis.replica = None
        waiting = asyncio.ensure_future(scene.witness.sync(BOUND))
        writer.transport.abort()
        with pytest.raises(InfrastructureError, match="what Redis tells is lost"):
            await waiting
        await scene.witness.sync(BOUND)  # from now on there is nothing to wait for
        (gap,) = scene.told
        assert isinstance(gap, Gap)
        assert gap.of == which

    witnessed(play)


def test_a_redis_that_was_started_again_is_seen_anew() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        scene.redis.ran(b"RPUSH", b"q", b"a")
        await scene.witness.sync(BOUND)
        await scene.redis.restart("db0:keys=3,expires=1,avg_ttl=5")
        await scene.until(lambda: any(isinstance(one, BrokerBack) for one in scene.records))
        await scene.witness.sync(BOUND)
        assert scene.shut[0]  # nobody is let in before it can be seen what he does
        assert scene.shut[1:] == [""]
        scene.redis.ran(b"RPUSH", b"q", b"b")
        await scene.witness.sync(BOUND)
        before, after = (Effect((b"RPUSH", b"q", word)) for word in (b"a", b"b"))
        told = [one for one in scene.told if not isinstance(one, Monitored)]
        assert [type(one) for one in told] == [Effect, BrokerLost, BrokerBack, Effect]
        assert told[0] == before
        assert told[2] == BrokerBack(2)
        assert told[3] == after

    witnessed(play)


def test_who_waits_for_redis_to_tell_waits_on_while_it_is_away() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        scene.redis.hang_up()
        await scene.until(lambda: any(isinstance(one, BrokerLost) for one in scene.records))
        waiting = asyncio.ensure_future(scene.witness.sync(BOUND))
        await scene.redis.restart()
        await waiting
        assert isinstance(scene.told[-1], BrokerBack)

    witnessed(play)


def test_a_redis_that_has_gone_on_was_not_seen_meanwhile() -> None:
    async def play(scene: Scene) -> None:
        await scene.witness.start(BOUND)
        scene.redis.hang_up()
        await scene.until(lambda: any(isinstance(one, Gap) for one in scene.records))
        lost, gap = scene.told
        assert isinstance(lost, BrokerLost)
        assert isinstance(gap, Gap)
        assert "what it did then was not seen" in gap.why
        assert scene.shut[-1] == ""  # whoever comes now is told of, though not all that he does

    witnessed(play)


@pytest.mark.parametrize("refused", [b"MONITOR", b"SYNC", b"INFO"])
def test_a_redis_that_refuses_ends_the_start(refused: bytes) -> None:
    async def play(scene: Scene) -> None:
        scene.redis.refuses = refused
        with pytest.raises(InfrastructureError, match="NOPERM"):
            await scene.witness.start(BOUND)

    witnessed(play)


def test_a_redis_that_never_sends_commands_is_not_waited_for() -> None:
    async def play(scene: Scene) -> None:
        with pytest.raises(TimedOut, match="tick 1 in monitor and tick 0 in replica"):
            await scene.witness.start(0.3)

    witnessed(play, deaf_to_acks=1_000_000)


@given(st.lists(st.integers(1, 200), max_size=5))
@settings(max_examples=30, deadline=None)
def test_a_mark_is_found_wherever_it_is_cut(cuts: list[int]) -> None:
    async def play() -> None:
        chunks: list[bytes] = []
        replica = Replica(chunks.append, pytest.fail)
        replica.connection_made(Wire())
        data = b"+OK\r\n" + until_mark(RDB + MARK[:-1]) + RPUSH + TICK
        ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
        start = 0
        for end in ends:
            replica.data_received(data[start:end])
            start = end
        rpush = Effect((b"RPUSH", b"q", b"a\r\n"))
        assert read("replica", b"".join(chunks)) == [rpush, Tick(7, "replica")]
        replica.close()

    in_loop(play)
