"""The proxy changes nothing that it passes on, and stops what it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from pamqp import commands, frame, heartbeat

from harness.core.errors import TimedOut
from harness.history import (
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionRefused,
    ConnectionReleased,
)
from harness.tap import points
from harness.tap.protocols.amqp import Amqp
from harness.tap.protocols.base import Decoder
from harness.tap.protocols.redis import Resp
from harness.tap.proxy import pipe
from harness.tap.proxy.connection import ProxiedConnection
from harness.tap.proxy.proxy import Proxy
from harness.tap.records import Command, RawFeedData, Record, Reply, Settlement

LREM = b"*4\r\n$4\r\nLREM\r\n$1\r\nk\r\n$1\r\n1\r\n$1\r\na\r\n"
PING = b"*1\r\n$4\r\nPING\r\n"
ME = "127.0.0.1"
BOUND = 5.0


class Peer:
    """One end of a connection, with a bound on each wait."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def expect(self, data: bytes) -> None:
        async with asyncio.timeout(BOUND):
            assert await self.reader.readexactly(len(data)) == data

    async def rest(self) -> bytes:
        """What comes until the end; a connection that is broken has ended."""
        async with asyncio.timeout(BOUND):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
        return b""

    async def silent(self) -> None:
        """Nothing comes while the loop goes round often enough for it to have come."""
        task = asyncio.ensure_future(self.reader.read(1))
        await asyncio.wait([task], timeout=0.1)
        assert not task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Stage:
    """A broker that a test speaks for, and the proxy before it."""

    def __init__(self, dialect: Callable[[int], Decoder]) -> None:
        self.records: list[Record] = []
        self.dialect = dialect
        self._came: asyncio.Queue[Peer] = asyncio.Queue()
        self._peers: list[Peer] = []
        self._over = asyncio.Event()

    async def __aenter__(self) -> Stage:
        self._server = await asyncio.start_server(self._come, ME, 0)
        port = self._server.sockets[0].getsockname()[1]
        self.proxy = Proxy((ME, port), self.dialect, self._record)
        self.port = await self.proxy.start(ME)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.proxy.stop()
        for peer in self._peers:
            await peer.close()
        self._server.close()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._came.put_nowait(self._keep(Peer(reader, writer)))

    async def connect(self) -> tuple[Peer, Peer]:
        """A client, and what the broker sees of it."""
        client = self._keep(Peer(*await asyncio.open_connection(ME, self.port)))
        async with asyncio.timeout(BOUND):
            return client, await self._came.get()

    def said(self, *kinds: type) -> list[Record]:
        return [one for one in self.records if isinstance(one, kinds)]

    async def closed(self) -> ConnectionClosed:
        """The one connection's end."""
        async with asyncio.timeout(BOUND):
            await self._over.wait()
        (found,) = self.said(ConnectionClosed)
        assert isinstance(found, ConnectionClosed)
        return found

    def _record(self, record: Record | RawFeedData) -> None:
        assert not isinstance(record, RawFeedData)
        self.records.append(record)
        if isinstance(record, ConnectionClosed):
            self._over.set()

    def _keep(self, peer: Peer) -> Peer:
        self._peers.append(peer)
        return peer


def staged(dialect: Callable[[int], Decoder], play: Callable[[Stage], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), Stage(dialect) as context:
            await play(context)

    uvloop.run(run())


# -- passing on -----------------------------------------------------------------------------------


def test_every_byte_goes_on_and_is_recorded() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(LREM)
        await broker.expect(LREM)
        broker.send(b":1\r\n")
        await client.expect(b":1\r\n")
        client.writer.close()
        assert await broker.rest() == b""
        await broker.close()
        assert await context.closed() == ConnectionClosed(1, "client")
        address, port = client.writer.get_extra_info("sockname")
        _, seen = broker.writer.get_extra_info("peername")
        command = Command(1, 1, (b"LREM", b"k", b"1", b"a"))
        assert context.records == [
            ConnectionOpened(1, address, port, f"{ME}:{seen}"),
            command,
            Reply(1, command, 1),
            ConnectionClosed(1, "client"),
        ]
        assert context.proxy.links == {}

    staged(Resp, play)


@pytest.mark.parametrize("size", [1, 7, 1000, 300_000])
def test_big_and_small_chunks_arrive_as_they_were_sent(size: int) -> None:
    """Both ways at once, and more than fits into any buffer on the way."""
    rng = random.Random(size)  # noqa: S311  # the same bytes every time
    total = 3 * size if size > 1000 else 200 * size
    bulk = rng.randbytes(total)
    command = b"*2\r\n$1\r\nX\r\n$%d\r\n%s\r\n" % (len(bulk), bulk) + PING * 20
    reply = b"$%d\r\n%s\r\n" % (len(bulk), bulk[::-1]) + b"+PONG\r\n" * 20

    async def send(peer: Peer, data: bytes) -> None:
        at = 0
        while at < len(data):
            step = rng.randint(1, size)
            peer.send(data[at : at + step])
            at += step
            await peer.writer.drain()

    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        await asyncio.gather(
            send(client, command), broker.expect(command), send(broker, reply), client.expect(reply)
        )

    staged(Resp, play)


def test_what_nobody_understands_goes_on() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(b"*1\r\n?\r\n")
        await broker.expect(b"*1\r\n?\r\n")
        broker.send(b"half a li")
        await client.expect(b"half a li")

    staged(Resp, play)


def test_who_has_said_all_may_still_listen() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(PING)
        client.writer.write_eof()
        assert await broker.rest() == PING
        broker.send(b"+PONG\r\n")
        await client.expect(b"+PONG\r\n")
        await broker.close()
        assert await client.rest() == b""
        assert (await context.closed()).by == "client"

    staged(Resp, play)


class Dialed(asyncio.Transport):
    """The broker's side of a link that a test builds; remembers what it is told."""

    def __init__(self) -> None:
        super().__init__(extra={"peername": (ME, 1), "sockname": (ME, 2)})
        self.said = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said += bytes(data)

    def write_eof(self) -> None:
        self.said += b"EOF"

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """As an asyncio that has not begun to read yet: it will."""

    def resume_reading(self) -> None: ...


def test_what_comes_before_the_broker_is_there_waits_for_it() -> None:
    """Some versions of asyncio read from a client although it was paused at once."""

    async def play(context: Stage) -> None:
        link = ProxiedConnection(context.proxy, 1, Resp(1))
        client, broker = Dialed(), Dialed()
        link.accepted(client)
        link.received("client", PING)
        link.received("client", LREM)
        link.eof("client")
        assert context.records == []
        link.dialed(broker)
        assert broker.said == PING + LREM + b"EOF"
        assert [type(one) for one in context.records] == [ConnectionOpened, Command, Command]

    staged(Resp, play)


def test_an_unfinished_message_goes_on_at_the_end() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(LREM[:10])
        client.writer.write_eof()
        assert await broker.rest() == LREM[:10]

    staged(Resp, play)


def test_a_reader_that_is_slow_slows_the_sender_down() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        broker.reader._limit = 1000  # type: ignore[attr-defined]  # stops reading at twice that
        sent, chunk = 0, b"*2\r\n$1\r\nX\r\n$65536\r\n" + b"x" * 65536 + b"\r\n"
        with contextlib.suppress(TimeoutError):
            while True:
                client.send(chunk)
                sent += len(chunk)
                assert sent < 200 * 1024 * 1024
                async with asyncio.timeout(0.3):
                    await client.writer.drain()
        (link,) = context.proxy.links.values()
        sink = link.lanes["broker"].sink
        assert sink is not None
        assert sink.get_write_buffer_size() < 2 * 1024 * 1024
        client.writer.write_eof()
        assert len(await broker.rest()) == sent

    staged(Resp, play)


def test_nobody_is_let_in_while_it_is_shut() -> None:
    async def play(context: Stage) -> None:
        context.proxy.shut = "it has gone"
        client = Peer(*await asyncio.open_connection(ME, context.port))
        assert await client.rest() == b""
        (refused,) = context.said(ConnectionRefused)
        assert isinstance(refused, ConnectionRefused)
        assert refused.address == ME
        assert "it has gone" in refused.why
        await client.close()
        context.proxy.shut = ""
        client, broker = await context.connect()
        client.send(PING)
        await broker.expect(PING)
        assert len(context.said(ConnectionOpened)) == 1

    staged(Resp, play)


def test_tls_is_refused_and_why() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(b"\x16\x03\x01\x02\x00\x01\x00")
        assert await client.rest() == b""
        assert await broker.rest() == b""
        await context.closed()
        (refused,) = context.said(ConnectionRefused)
        assert isinstance(refused, ConnectionRefused)
        assert "without TLS" in refused.why

    staged(Resp, play)


def test_a_broker_that_is_not_there_is_told() -> None:
    async def play(context: Stage) -> None:
        context._server.close()
        client = Peer(*await asyncio.open_connection(ME, context.port))
        assert await client.rest() == b""
        await client.close()
        (refused,) = context.said(ConnectionRefused)
        assert isinstance(refused, ConnectionRefused)
        assert "cannot be reached" in refused.why
        assert context.proxy.links == {}

    staged(Resp, play)


def test_a_sink_that_fails_ends_the_connection() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)

        def fail(record: Record | RawFeedData) -> None:
            if isinstance(record, Command):
                raise OSError("no room")

        context.proxy.sink = fail
        client.send(PING)
        assert await broker.rest() == b""
        assert await client.rest() == b""

    staged(Resp, play)


# -- holding and cutting --------------------------------------------------------------------------


def test_a_command_is_held_before_the_broker_and_released() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.command("LREM"), ME)
        client.send(PING + LREM + PING)
        await broker.expect(PING)
        caught = await trap.caught(BOUND)
        assert isinstance(caught.message, Command)
        assert caught.message.words == (b"LREM", b"k", b"1", b"a")
        await broker.silent()
        broker.send(b"+PONG\r\n")
        await client.expect(b"+PONG\r\n")  # the other direction is free
        assert [one.name for one in context.said(Command) if isinstance(one, Command)] == ["PING"]
        caught.release()
        await broker.expect(LREM + PING)
        assert context.said(ConnectionHeld, ConnectionReleased) == [
            ConnectionHeld(1, "broker", "before command LREM"),
            ConnectionReleased(1, "broker"),
        ]
        client.send(LREM)  # a trap catches once
        await broker.expect(LREM)

    staged(Resp, play)


def test_a_command_that_is_cut_never_arrives() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.command("LREM"))
        client.send(LREM)
        (await trap.caught(BOUND)).cut()
        assert await broker.rest() == b""
        assert await client.rest() == b""
        assert await context.closed() == ConnectionClosed(1, "tap")
        assert context.said(ConnectionCut, Command) == [ConnectionCut(1, len(LREM), 0)]

    staged(Resp, play)


def test_the_broker_sees_the_end_of_a_client_that_does_not_know_of_it() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(PING)
        await broker.expect(PING)
        trap = context.proxy.set_breakpoint(points.command("LREM"))
        client.send(LREM)
        await trap.caught(BOUND)
        context.proxy.sever(ME)
        assert await broker.rest() == b""  # what was held never arrives
        broker.send(b"+PONG\r\n")
        await broker.close()
        client.send(LREM)
        await client.silent()  # not even the end
        assert context.said(ConnectionCut, ConnectionClosed) == [ConnectionCut(1, len(LREM), 0)]
        context.proxy.let_back(ME)
        assert await client.rest() == b""
        assert await context.closed() == ConnectionClosed(1, "tap")
        assert len(context.said(ConnectionCut)) == 1
        assert len(context.said(Command)) == 1

    staged(Resp, play)


def test_what_was_sent_before_still_arrives_before_the_end() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.command("LREM", after=True))
        client.send(LREM * 3)
        await trap.caught(BOUND)
        context.proxy.sever(ME)
        assert await broker.rest() == LREM
        client.writer.close()
        await broker.close()
        await context.closed()

    staged(Resp, play)


def test_the_next_run_at_the_same_address_goes_on_and_what_the_last_one_left_does_not() -> None:
    async def play(context: Stage) -> None:
        _, severed = await context.connect()
        context.proxy.sever(ME)
        assert await severed.rest() == b""
        late, unheard = await context.connect()  # from one that is about to die
        late.send(LREM)
        await late.close()
        fresh, broker = await context.connect()
        fresh.send(PING)
        await broker.silent()
        await asyncio.sleep(0.05)
        context.proxy.let_back(ME)
        await broker.expect(PING)
        assert await unheard.rest() == b""
        broker.send(b"+PONG\r\n")
        await fresh.expect(b"+PONG\r\n")

    staged(Resp, play)


def test_a_reply_is_held_before_the_worker() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.reply("LREM", found=True))
        client.send(LREM + LREM)
        await broker.expect(LREM + LREM)
        broker.send(b":0\r\n:1\r\n")
        await client.expect(b":0\r\n")
        caught = await trap.caught(BOUND)
        await client.silent()
        assert len(context.said(Reply)) == 2  # the broker has done it, whoever gets to know
        caught.release()
        await client.expect(b":1\r\n")

    staged(Resp, play)


def test_after_a_point_the_message_has_passed_and_no_more() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.command("LREM", after=True))
        client.send(LREM + PING)
        caught = await trap.caught(BOUND)
        await broker.expect(LREM)
        broker.send(b":1\r\n")
        await asyncio.gather(broker.silent(), client.silent())
        caught.release()
        await asyncio.gather(broker.expect(PING), client.expect(b":1\r\n"))

    staged(Resp, play)


def test_what_is_held_outlives_its_sender() -> None:
    """As bytes on their way would; the broker notices no end before they have arrived."""

    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.command("LREM"))
        client.send(LREM)
        caught = await trap.caught(BOUND)
        await client.close()
        await broker.silent()
        caught.release()
        assert await broker.rest() == LREM

    staged(Resp, play)


def test_what_the_broker_says_to_one_who_is_gone_is_recorded() -> None:
    """An item that was popped is popped, even if nobody has got it."""

    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(LREM)
        await broker.expect(LREM)
        client.writer.transport.abort()
        assert await broker.rest() == b""
        broker.send(b":1\r\n")
        await broker.close()
        assert (await context.closed()).by == "client"
        assert [one.value for one in context.said(Reply) if isinstance(one, Reply)] == [1]

    staged(Resp, play)


def test_a_worker_whose_broker_is_gone_is_cut_off() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        client.send(PING)
        await broker.expect(PING)
        broker.writer.transport.abort()
        assert await client.rest() == b""
        assert (await context.closed()).by == "broker"

    staged(Resp, play)


def test_a_held_client_is_held_on_all_connections_and_new_ones() -> None:
    async def play(context: Stage) -> None:
        first, seen = await context.connect()
        context.proxy.hold(ME)
        second, seen_too = await context.connect()
        first.send(PING)
        second.send(PING)
        await asyncio.gather(seen.silent(), seen_too.silent())
        context.proxy.release(ME)
        await asyncio.gather(seen.expect(PING), seen_too.expect(PING))
        context.proxy.cut(ME)
        assert set(await asyncio.gather(first.rest(), seen.rest(), second.rest())) == {b""}

    staged(Resp, play)


def test_a_slow_client_hears_and_is_heard_late_but_in_order() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        context.proxy.slow(ME, 0.3)
        client.send(LREM)
        await broker.silent()
        client.send(PING)
        await broker.expect(LREM + PING)
        broker.send(b":1\r\n")
        broker.writer.close()
        await client.silent()
        assert await client.rest() == b":1\r\n"

    staged(Resp, play)


def test_what_is_late_goes_on_when_the_network_is_as_it_was() -> None:
    async def play(context: Stage) -> None:
        context.proxy.slow(ME, 60.0)
        client, broker = await context.connect()  # new connections are slow, too
        client.send(LREM)
        await broker.silent()
        context.proxy.hold(ME)
        context.proxy.slow(ME, 0.0)
        await broker.silent()
        context.proxy.release(ME)
        await broker.expect(LREM)
        client.send(PING)
        await broker.expect(PING)

    staged(Resp, play)


def test_a_held_lane_takes_in_only_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "HELD", 1000)

    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.command("LREM"))
        much = (b"*2\r\n$1\r\nX\r\n$65536\r\n" + b"x" * 65536 + b"\r\n") * 200
        client.send(LREM + much)
        caught = await trap.caught(BOUND)
        await broker.silent()
        (link,) = context.proxy.links.values()
        assert link.lanes["broker"].size < 1_000_000
        caught.release()
        await asyncio.gather(client.writer.drain(), broker.expect(LREM + much))

    staged(Resp, play)


def test_a_trap_that_catches_nobody_says_so_and_is_gone() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.command("LREM"), "10.0.0.1")
        client.send(LREM)
        await broker.expect(LREM)
        with pytest.raises(TimedOut, match="before command LREM"):
            await trap.caught(0.05)
        assert context.proxy._breakpoints == []

    staged(Resp, play)


def test_an_ack_is_held_and_heartbeats_are_not() -> None:
    async def play(context: Stage) -> None:
        start = b"AMQP\x00\x00\x09\x01"
        ack = frame.marshal(commands.Basic.Ack(7), 1)
        qos = frame.marshal(commands.Basic.Qos(), 1)
        beat = heartbeat.Heartbeat.marshal()
        client, broker = await context.connect()
        trap = context.proxy.set_breakpoint(points.settlement("ack"))
        client.send(start + ack + qos + beat)
        caught = await trap.caught(BOUND)
        assert caught.message == Settlement(1, 1, (7,), "ack", bodies=(None,), queues=("",))
        await broker.expect(start + beat)
        client.send(beat)
        await broker.expect(beat)
        await broker.silent()
        caught.release()
        await broker.expect(ack + qos)

    staged(Amqp, play)


def test_stopping_breaks_all_connections() -> None:
    async def play(context: Stage) -> None:
        client, broker = await context.connect()
        await context.proxy.stop()
        assert await client.rest() == b""
        assert await broker.rest() == b""
        with pytest.raises(OSError, match="Connect"):
            await asyncio.open_connection(ME, context.port)

    staged(Resp, play)
