"""What the reference workers make of their queues' answers; the queues need a cluster."""

from __future__ import annotations

import importlib.util
import queue
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

WORKERS = Path(str(files("harness.manifests"))) / "workers" / "reference"
STOPPED = 143


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Loads a worker as a module; what it imports by file name is forgotten afterwards."""

    def made(name: str) -> Any:
        monkeypatch.syspath_prepend(str(WORKERS / name))
        # Both, so that at the end it is as it was: not there.
        monkeypatch.setitem(sys.modules, "workqueue", None)
        monkeypatch.delitem(sys.modules, "workqueue")
        monkeypatch.setenv("ITEM_SECONDS", "0")
        monkeypatch.setenv("FAIL_ITEM", "lemon")
        spec = importlib.util.spec_from_file_location("worker", WORKERS / name / "worker.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return made


class Todo:
    """A queue of prepared answers, which notes what it is told."""

    session = "s"

    def __init__(self, *claims: bytes | None, live: bool = True) -> None:
        self.told: list[str] = []
        self._claims, self._live = list(claims), live

    def empty(self) -> bool:
        return not self._claims

    def claim(self) -> tuple[str, bytes] | None:
        item = self._claims.pop(0)
        return None if item is None else (f"token of {item.decode(errors='replace')}", item)

    def __getattr__(self, verb: str) -> Callable[[str], bool]:
        def tell(token: str) -> bool:
            self.told.append(f"{verb} {token}")
            return self._live

        return tell


@pytest.fixture
def fine(load: Callable[[str], Any]) -> Any:
    return load("fine")


def test_fine_says_what_it_does(fine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    todo = Todo(b"apple", b"", b"\xff")
    fine.drain(todo, queue.SimpleQueue())
    assert todo.told == ["complete token of apple", "complete token of ", "complete token of �"]
    assert capsys.readouterr().out.splitlines() == [
        "Worker with sessionID: s",
        "Initial queue state: empty=False",
        "Working on apple",
        "Done apple",
        "Working on ",
        "Done ",
        "Working on \\xff",
        "Done \\xff",
        "Queue empty, exiting",
    ]


def test_fine_waits_while_others_hold_leases(
    fine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fine, "POLL_SECONDS", 0)
    fine.drain(Todo(None, b"apple"), queue.SimpleQueue())
    assert capsys.readouterr().out.splitlines()[2:] == [
        "Waiting for work",
        "Working on apple",
        "Done apple",
        "Queue empty, exiting",
    ]


def test_fine_gives_a_failed_item_back_and_fails(fine: Any) -> None:
    todo = Todo(b"lemon", b"apple")
    with pytest.raises(SystemExit, match=r"Failed lemon: ValueError"):
        fine.drain(todo, queue.SimpleQueue())
    assert todo.told == ["give_back token of lemon"]


@pytest.mark.parametrize(
    ("claims", "told"), [([b"apple"], ["break_off token of apple"]), ([None, b"apple"], [])]
)
def test_fine_gives_back_what_it_has_when_it_is_stopped(
    fine: Any, claims: list[bytes | None], told: list[str]
) -> None:
    todo, results = Todo(*claims), queue.SimpleQueue[Any]()
    results.put(fine.STOP)
    with pytest.raises(SystemExit) as exit_:
        fine.drain(todo, results)
    assert exit_.value.code == STOPPED
    assert todo.told == told


def test_fine_renews_while_it_works(
    fine: Any, held: Callable[[Any], Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = held(fine)
    monkeypatch.setattr(fine, "LEASE_SECONDS", 0.03)

    class Slow(Todo):
        def renew(self, token: str) -> bool:
            self.told.append(f"renew {token}")
            if len(self.told) == 3:
                finish()
            return True

    todo = Slow(b"apple")
    fine.drain(todo, queue.SimpleQueue())
    assert todo.told[:3] == ["renew token of apple"] * 3
    assert todo.told[-1] == "complete token of apple"


def test_fine_ends_when_its_lease_is_lost(
    fine: Any, held: Callable[[Any], Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held(fine)
    monkeypatch.setattr(fine, "LEASE_SECONDS", 0.03)
    todo = Todo(b"apple", live=False)
    with pytest.raises(SystemExit, match="Lost the lease on apple"):
        fine.drain(todo, queue.SimpleQueue())
    assert todo.told == ["renew token of apple"]


def test_fine_says_when_its_report_came_too_late(
    fine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    fine.drain(Todo(b"apple", live=False), queue.SimpleQueue())
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "Done apple",
        "Too late with apple",
        "Queue empty, exiting",
    ]


def test_fine_says_done_before_it_reports(fine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    said = []

    class Listening(Todo):
        def complete(self, token: str) -> bool:
            said.extend(capsys.readouterr().out.splitlines())
            return True

    fine.drain(Listening(b"apple"), queue.SimpleQueue())
    assert said[-1] == "Done apple"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Callable[[], None]]]:
    """Makes a worker's work last until the returned function is called, or the test is over."""
    gates: list[queue.SimpleQueue[None]] = []

    def hold(worker: Any) -> Callable[[], None]:
        gate = queue.SimpleQueue[None]()
        gates.append(gate)
        monkeypatch.setattr(worker, "work", lambda _: gate.get(timeout=30))
        return lambda: gate.put(None)

    yield hold
    for gate in gates:
        gate.put(None)


class Channel:
    """A channel with prepared deliveries, which notes what it is asked; its connection, too."""

    def __init__(self, *deliveries: bytes | None, refuses: bool = False) -> None:
        self.asked: list[str] = []
        self._deliveries, self._refuses = deliveries, refuses

    def channel(self) -> Channel:
        return self

    def process_data_events(self, time_limit: float) -> None:
        assert time_limit > 0

    def basic_qos(self, prefetch_count: int) -> None:
        self.asked.append(f"prefetch {prefetch_count}")

    def consume(self, queue: str, inactivity_timeout: float) -> Iterator[tuple[Any, Any, Any]]:
        assert inactivity_timeout > 0
        self.asked.append(f"consume {queue}")
        for tag, item in enumerate(self._deliveries, start=1):
            yield (None, None, None) if item is None else (Delivery(tag), None, item)

    def cancel(self) -> None:
        self.asked.append("cancel")

    def basic_ack(self, tag: int) -> None:
        self.asked.append(f"ack {tag}")

    def basic_nack(self, tag: int, requeue: bool) -> None:
        assert requeue
        self.asked.append(f"nack {tag}")

    def close(self) -> None:
        self.asked.append("close")
        if self._refuses:
            raise ConnectionResetError("the acknowledgement was refused")


class Delivery:
    """What comes with a message."""

    def __init__(self, tag: int) -> None:
        self.delivery_tag = tag


@pytest.fixture
def coarse(load: Callable[[str], Any]) -> Any:
    return load("coarse")


def test_coarse_acknowledges_one_message_after_the_work(
    coarse: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = Channel(None, b"apple", b"banana")
    coarse.process_one(channel, "job1")
    assert channel.asked == ["prefetch 1", "consume job1", "cancel", "ack 2", "close"]
    assert capsys.readouterr().out == "Processing apple\nDone apple\n"


def test_coarse_gives_a_failed_message_back_and_fails(
    coarse: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = Channel(b"lemon")
    with pytest.raises(SystemExit, match=r"Failed lemon: ValueError"):
        coarse.process_one(channel, "job1")
    assert channel.asked[-2:] == ["nack 1", "close"]
    assert capsys.readouterr().out == "Processing lemon\n"


def test_coarse_gives_its_message_back_when_it_is_stopped(
    coarse: Any, held: Callable[[Any], Callable[[], None]]
) -> None:
    held(coarse)
    coarse.signals.append(15)
    channel = Channel(b"apple")
    with pytest.raises(SystemExit) as exit_:
        coarse.process_one(channel, "job1")
    assert exit_.value.code == STOPPED
    assert channel.asked[-2:] == ["nack 1", "close"]


def test_coarse_stopped_without_a_message_has_not_succeeded(coarse: Any) -> None:
    coarse.signals.append(15)
    with pytest.raises(SystemExit) as exit_:
        coarse.process_one(Channel(None, b"apple"), "job1")
    assert exit_.value.code == STOPPED


def test_coarse_fails_when_its_queue_is_deleted(coarse: Any) -> None:
    with pytest.raises(SystemExit, match="The queue job1 is gone"):
        coarse.process_one(Channel(None), "job1")


def test_coarse_fails_when_the_broker_refuses_its_acknowledgement(coarse: Any) -> None:
    with pytest.raises(ConnectionResetError):
        coarse.process_one(Channel(b"apple", refuses=True), "job1")


def test_coarse_says_done_before_it_acknowledges(
    coarse: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []

    class Listening(Channel):
        def basic_ack(self, tag: int) -> None:
            said.extend(capsys.readouterr().out.splitlines())

    coarse.process_one(Listening(b"apple"), "job1")
    assert said == ["Processing apple", "Done apple"]
