"""What goes between a tap and its control arrives as it was, and the control works from afar."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import msgspec
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import InfrastructureError, TimedOut
from harness.history import (
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionReleased,
    Gap,
    NotUnderstood,
    Raw,
)
from harness.tap import points, program
from harness.tap.control import client, messages
from harness.tap.control.client import TapClient
from harness.tap.control.messages import (
    Done,
    Frames,
    Hit,
    RecordBatch,
    RecordMessage,
    Refused,
    frame,
)
from harness.tap.control.outbox import RecordOutbox
from harness.tap.records import (
    Command,
    Delivery,
    Effect,
    ErrorReply,
    Method,
    Monitored,
    Push,
    RawFeedData,
    Record,
    Reply,
    Settlement,
    Tick,
)

ME = "127.0.0.1"
BOUND = 5.0
LREM = Command(1, 2, (b"LREM", b"k", b"1", b"\xff"))

RECORDS: list[Record] = [
    LREM,
    Reply(1, LREM, [1, None, b"\x00", [1.5, True, ErrorReply("ERR no")], {b"a": b"b"}], (LREM,)),
    Reply(1, LREM, ErrorReply("WRONGTYPE é")),
    Push(1, [b"message", b"c", b"x"]),
    Monitored(1.25, "lua", 3, (b"SET", b"k", b"\xff")),
    Effect((b"DEL", b"k")),
    Tick(7, "replica"),
    Method(1, "broker", 1, "Queue.Declare", {"queue": "q", "arguments": {"x": -1}}, {}, b"\xff"),
    Delivery(1, 1, 7, "job1", b"\xff", {"headers": {"n": 1}}, redelivered=True, no_ack=False),
    Settlement(1, 1, (7, 8), "nack", True, (b"\xff", None), ("job1", "")),
    ConnectionOpened(1, "10.0.0.1", 5, "127.0.0.1:6"),
    ConnectionHeld(1, "broker", "before command LREM"),
    ConnectionReleased(1, "broker"),
    ConnectionCut(1, 5, 0),
    ConnectionClosed(1, "tap"),
    NotUnderstood(1, "client", "what?", Raw(b"\xff"), 1),
    Gap("monitor", "it is gone"),
]

REQUESTS: list[messages.Request] = [
    messages.Attach(1),
    messages.SetBreakpoint(2, 1, points.command("LREM", having=b"\xff", after=True), "10.0.0.1"),
    messages.ClearBreakpoint(3, 1),
    messages.Release(4, 1),
    messages.CutHit(5, 1),
    messages.Hold(6, "10.0.0.1"),
    messages.ReleaseAll(7, "10.0.0.1"),
    messages.Cut(8, "10.0.0.1"),
    messages.Reset(9),
    messages.Sync(10),
]


@pytest.mark.parametrize("size", [1, 3, 1_000_000])
def test_all_records_and_requests_arrive_as_they_were(size: int) -> None:
    told = tuple(RecordMessage(1.5, one) for one in (*RECORDS, RawFeedData("monitor", b"+1.5")))
    answers: list[messages.Answer] = [RecordBatch(told), RecordBatch(told[:1])]
    answers += [Hit(1, 2, "10.0.0.1", LREM, 2.5)]
    answers += [Done(3), Refused(4, "no")]
    for sent, of in ((answers, Frames.answers), (REQUESTS, Frames.requests)):
        data = b"".join(frame(one) for one in sent)
        frames = Frames()
        got = [one for at in range(0, len(data), size) for one in of(frames, data[at : at + size])]
        assert got == sent


@given(st.binary(min_size=1, max_size=60))
def test_what_is_no_message_is_refused(data: bytes) -> None:
    framed = len(data).to_bytes(4, "big") + data
    with contextlib.suppress(msgspec.DecodeError):
        assert all(isinstance(one, messages.Request) for one in Frames().requests(framed))


def test_a_frame_has_a_bound() -> None:
    with pytest.raises(msgspec.DecodeError, match="4294967295"):
        list(Frames().answers(b"\xff" * 4))


# -- what waits for the client --------------------------------------------------------------------


class Wire(asyncio.WriteTransport):
    """A transport that only remembers, and says how much it has not got rid of."""

    def __init__(self, stuck: int = 0) -> None:
        super().__init__()
        self.said, self.stuck = b"", stuck

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.stuck

    @property
    def told(self) -> list[object]:
        found: list[object] = []
        for one in Frames().answers(self.said):
            found += [told.record for told in one.told] if isinstance(one, RecordBatch) else [one]
        return found


async def quiet() -> None:
    """Longer than records are collected."""
    never = asyncio.ensure_future(asyncio.Event().wait())
    await asyncio.wait([never], timeout=0.1)
    never.cancel()


def test_records_wait_for_a_client_up_to_a_limit_and_then_it_is_told() -> None:
    async def play() -> None:
        size = len(frame(RecordBatch((RecordMessage(1.5, LREM),) * 2)))
        box, wire = RecordOutbox(limit=2 * size), Wire()
        for _ in range(3):
            box.record(LREM)
            box.record(LREM)
            await quiet()
        box.attach(wire)
        lost = Gap("tap", f"2 records did not fit into {2 * size} bytes, and are lost")
        assert wire.told == [LREM, LREM, LREM, LREM, lost]
        wire.stuck = 2 * size
        box.record(LREM)
        await quiet()
        wire.stuck = 0
        box.say(Done(1))
        assert isinstance(wire.told[5], Gap)
        assert wire.told[6:] == [Done(1)]

    uvloop.run(play())


def test_an_answer_comes_at_once_and_after_the_records_before_it() -> None:
    async def play() -> None:
        box, wire = RecordOutbox(), Wire()
        box.attach(wire)
        box.record(LREM)
        assert wire.said == b""
        box.say(Done(1))
        assert wire.told == [LREM, Done(1)]
        box.record(LREM)
        await quiet()
        assert wire.told == [LREM, Done(1), LREM]

    uvloop.run(play())


# -- from afar ------------------------------------------------------------------------------------

START = b"AMQP\x00\x00\x09\x01"
ACK = b"\x01\x00\x01\x00\x00\x00\x0d\x00\x3c\x00\x50" + (7).to_bytes(8, "big") + b"\x00\xce"


class Remote:
    """The tap's program in a thread, before a broker that a test speaks for."""

    def __init__(self) -> None:
        self._ready: Future[tuple[int, int]] = Future()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._run()))
        self.broker = socket.create_server((ME, 0))
        self.broker.settimeout(BOUND)
        self._sides: list[socket.socket] = []

    def __enter__(self) -> Remote:
        self._thread.start()
        self.broker.accept()[0].close()  # it looks whether the broker is there
        self.port, self.control = self._ready.result(BOUND)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._thread.join(BOUND)
        for side in (*self._sides, self.broker):
            side.close()
        assert not self._thread.is_alive()

    def end(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        port = self.broker.getsockname()[1]
        words = f"--protocol=amqp --listen=0 --control=0 --host={ME} --upstream={ME}:{port}"
        try:
            await program.run(program.options(words.split()), self._stop, self._told)
        except BaseException as error:
            self._ready.set_exception(error)
            raise

    def _told(self, line: str) -> None:
        if line.startswith("workers:"):
            ports = [int(word.strip(",")) for word in line.split() if word.strip(",").isdigit()]
            self._ready.set_result((ports[0], ports[1]))

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A worker, and the broker's side of it."""
        worker = socket.create_connection((ME, self.port), timeout=BOUND)
        broker = self.broker.accept()[0]
        broker.settimeout(BOUND)
        self._sides += [worker, broker]
        worker.sendall(START)
        assert received(broker, len(START)) == START
        return worker, broker


def received(side: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := side.recv(size - len(data))):
        data += more
    return data


class Listener:
    """Takes what a remote tap tells."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.lost: Future[str] = Future()

    def on_record(self, at: float, record: Record) -> None:
        assert at > 1e9
        self.records.append(record)

    def on_lost(self, why: str) -> None:
        self.lost.set_result(why)

    def attach(self, far: Remote) -> TapClient:
        return TapClient(ME, far.control, self.on_record, self.on_lost)

    @property
    def kinds(self) -> list[str]:
        return [type(one).__name__ for one in self.records]


@pytest.fixture
def far() -> Iterator[Remote]:
    with Remote() as tap:
        yield tap


def test_a_message_is_caught_held_and_released_from_afar(far: Remote) -> None:
    listener = Listener()
    with listener.attach(far) as tap:
        trap = tap.set_breakpoint(points.settlement("ack"), ME)
        worker, broker = far.connect()
        worker.sendall(ACK)
        caught = trap.caught(BOUND)
        assert caught.address == ME
        assert caught.message == Settlement(1, 1, (7,), "ack", bodies=(None,), queues=("",))
        # what was before the catch has been told by now
        assert listener.kinds == ["ConnectionOpened", "ConnectionHeld"]
        broker.settimeout(0.1)
        with pytest.raises(TimeoutError):
            broker.recv(1)
        broker.settimeout(BOUND)
        trap.release()
        assert received(broker, len(ACK)) == ACK
        tap.sync(BOUND)
        assert listener.kinds[2:] == ["ConnectionReleased", "Settlement"]
    assert not listener.lost.done()


def test_a_caught_connection_is_cut_from_afar(far: Remote) -> None:
    listener = Listener()
    with listener.attach(far) as tap:
        trap = tap.set_breakpoint(points.settlement())
        worker, _ = far.connect()
        worker.sendall(ACK)
        trap.caught(BOUND)
        trap.cut()
        with contextlib.suppress(ConnectionError):
            assert worker.recv(1) == b""
        tap.sync(BOUND)
        assert ConnectionCut(1, len(ACK), 0) in listener.records


def test_a_client_is_held_released_and_cut_from_afar(far: Remote) -> None:
    listener = Listener()
    with listener.attach(far) as tap:
        worker, broker = far.connect()
        tap.hold(ME)
        worker.sendall(ACK)
        broker.settimeout(0.1)
        with pytest.raises(TimeoutError):
            broker.recv(1)
        broker.settimeout(BOUND)
        tap.release(ME)
        assert received(broker, len(ACK)) == ACK
        tap.cut(ME)
        with contextlib.suppress(ConnectionError):
            assert worker.recv(1) == b""


def test_a_client_is_severed_and_let_back_from_afar(far: Remote) -> None:
    listener = Listener()
    with listener.attach(far) as tap:
        worker, broker = far.connect()
        tap.sever(ME)
        assert received(broker, 1) == b""
        worker.settimeout(0.1)
        with pytest.raises(TimeoutError):
            worker.recv(1)
        tap.let_back(ME)
        worker.settimeout(BOUND)
        with contextlib.suppress(ConnectionError):
            assert worker.recv(1) == b""
        worker, broker = far.connect()
        worker.sendall(ACK)
        assert received(broker, len(ACK)) == ACK


def test_a_trap_that_catches_nobody_says_so_and_is_gone(far: Remote) -> None:
    with Listener().attach(far) as tap:
        trap = tap.set_breakpoint(points.settlement("ack"))
        with pytest.raises(TimedOut, match="before ack"):
            trap.caught(0.05)
        worker, broker = far.connect()
        worker.sendall(ACK)
        assert received(broker, len(ACK)) == ACK


def test_a_reset_ends_everything(far: Remote) -> None:
    listener = Listener()
    with listener.attach(far) as tap:
        tap.set_breakpoint(points.settlement())
        worker, broker = far.connect()
        tap.hold(ME)
        tap.reset()
        assert listener.kinds[-2:] == ["ConnectionCut", "ConnectionClosed"]
        worker, broker = far.connect()  # nobody is held, and nobody caught
        worker.sendall(ACK)
        assert received(broker, len(ACK)) == ACK


def test_when_everybody_is_held_nothing_passes_until_a_reset(far: Remote) -> None:
    with Listener().attach(far) as tap:
        worker, broker = far.connect()
        tap.hold_all()
        worker.sendall(ACK)
        later = socket.create_connection((ME, far.port), timeout=BOUND)
        later.sendall(START)
        behind = far.broker.accept()[0]
        for one in (broker, behind):
            one.settimeout(0.2)
            with pytest.raises(TimeoutError):
                one.recv(1)
        tap.reset()
        for one in (later, behind):
            one.close()
        worker, broker = far.connect()
        worker.sendall(ACK)
        assert received(broker, len(ACK)) == ACK


def test_what_is_not_possible_is_refused(far: Remote) -> None:
    with Listener().attach(far) as tap:
        trap = tap.set_breakpoint(points.settlement())
        with pytest.raises(InfrastructureError, match="has caught nobody"):
            trap.release()
        tap.reset()
        with pytest.raises(InfrastructureError, match="there is no trap"):
            trap.cut()


def test_when_the_client_goes_all_that_is_held_goes_on(far: Remote) -> None:
    tap = Listener().attach(far)
    trap = tap.set_breakpoint(points.settlement("ack"))
    tap.set_breakpoint(points.settlement("ack"))
    worker, broker = far.connect()
    worker.sendall(ACK)
    trap.caught(BOUND)
    tap.close()
    assert received(broker, len(ACK)) == ACK
    worker.sendall(ACK)  # the other trap is gone, too
    assert received(broker, len(ACK)) == ACK


def test_what_was_before_a_client_came_is_told_to_it(far: Remote) -> None:
    far.connect()
    listener = Listener()
    with listener.attach(far) as tap:
        tap.sync(BOUND)
        assert listener.kinds == ["ConnectionOpened"]


def test_only_one_has_the_tap_and_the_next_waits(
    far: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_ATTACH", 0.3)
    first = Listener().attach(far)
    with pytest.raises(TimedOut, match="somebody else controls this tap"):
        Listener().attach(far)
    monkeypatch.setattr(client, "_ATTACH", BOUND)
    threading.Timer(0.2, first.close).start()
    with Listener().attach(far) as tap:
        tap.sync(BOUND)


def test_who_looks_only_whether_the_port_is_open_changes_nothing(far: Remote) -> None:
    with Listener().attach(far) as tap:
        socket.create_connection((ME, far.control)).close()
        with socket.create_connection((ME, far.control)) as stranger:
            stranger.settimeout(BOUND)
            stranger.sendall(frame(messages.Hold(1, ME)))
            (answer,) = Frames().answers(stranger.recv(1000))
            assert answer == Refused(1, "this connection is not attached")
            stranger.sendall(b"\xff" * 8)
            assert b"this is no request" in stranger.recv(1000)
            assert stranger.recv(1) == b""
        tap.sync(BOUND)


def test_a_tap_that_dies_is_lost_and_nobody_waits_for_it(far: Remote) -> None:
    listener = Listener()
    with listener.attach(far) as tap:
        trap = tap.set_breakpoint(points.settlement())
        far.end()
        assert listener.lost.result(BOUND) == "it has ended the connection"
        with pytest.raises(InfrastructureError, match="the tap is lost"):
            trap.caught(BOUND)
        with pytest.raises(InfrastructureError, match="the tap is lost"):
            tap.sync(BOUND)


def test_a_record_that_cannot_be_taken_loses_the_tap(far: Remote) -> None:
    def full(*_: object) -> None:
        raise OSError("no room")

    lost: Future[str] = Future()
    with TapClient(ME, far.control, full, lost.set_result):
        far.connect()
        assert "no room" in lost.result(BOUND)


def test_a_broker_that_does_not_come_up_is_not_waited_for() -> None:
    with socket.socket() as nobody:
        nobody.bind((ME, 0))
        words = f"--protocol=amqp --listen=0 --control=0 --patience=0.3 --host={ME}"
        upstream = f"--upstream={ME}:{nobody.getsockname()[1]}"
        chosen = program.options([*words.split(), upstream])
        with pytest.raises(TimedOut, match=r"in vain for the broker.*\n.*Connect"):
            uvloop.run(program.run(chosen, asyncio.Event(), lambda _: None))
