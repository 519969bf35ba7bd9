"""What is known of workers without work, and of the items that are there for them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.engine import conditions
from harness.engine.calibration import Calibration, Figures
from harness.engine.steps.feeding import Feeding
from harness.history import AskedForItem, ConnectionOpened, ContainerSeen, Worker
from harness.scenarios.last_lease import idle, left_without
from harness.suites.unit.dsl.history import Tale


def address(tale: Tale, who: str) -> str:
    number = tale.connection(who)
    opened = [one.what for one in tale.events if isinstance(one.what, ConnectionOpened)]
    return next(one.address for one in opened if one.connection == number)


def since(tale: Tale, who: str) -> float | None:
    return conditions.without_work(tale.events, address(tale, who), tale.worker(who))


@pytest.fixture
def tale() -> Tale:
    """`a` has an item, `b` has come."""
    tale = Tale("fine")
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(2, "a", "apple", until=10.0)
    return tale


def test_without_work_since_it_came(tale: Tale) -> None:
    assert since(tale, "a") is None
    assert since(tale, "b") == 1


def test_without_work_since_its_report(tale: Tale) -> None:
    tale.given(2, "b", "banana")
    assert since(tale, "b") is None
    tale.settled(3, "b", "banana")
    assert since(tale, "b") == 3


def test_without_work_once_its_item_is_anothers(tale: Tale) -> None:
    tale.given(11, "b", "apple")
    assert since(tale, "a") == 11
    assert since(tale, "b") is None


def test_the_next_run_of_a_container_has_nothing_of_what_the_last_one_had(tale: Tale) -> None:
    tale.killed(3, "a")
    tale.came(4, "a", connected=False)
    opened = ConnectionOpened(77, "10.0.0.1", 4000, at=5.0)
    tale.put(5, "tap", opened)
    assert conditions.without_work(tale.events, "10.0.0.1", tale.worker("a")) == 5


def test_what_is_ready(tale: Tale) -> None:
    assert conditions.is_ready(tale.events)
    tale.given(2, "b", "banana")
    assert not conditions.is_ready(tale.events)
    tale.returned(3, "b", "banana")
    assert conditions.is_ready(tale.events)
    tale.given(4, "a", "banana")
    tale.settled(5, "a", "banana")
    tale.settled(5, "a", "apple")
    assert not conditions.is_ready(tale.events)


def test_until_when_it_has_its_lease(tale: Tale) -> None:
    assert conditions.leased_until(tale.events, address(tale, "a")) == 10
    tale.leased(5, "a", "apple", 15.0)
    assert conditions.leased_until(tale.events, address(tale, "a")) == 15
    assert conditions.leased_until(tale.events, address(tale, "b")) is None


def test_where_a_connection_came_from(tale: Tale) -> None:
    assert conditions.address_of(tale.events, tale.connection("b")) == address(tale, "b")
    assert conditions.address_of(tale.events, 99) == ""


@pytest.mark.parametrize(("lease", "watch"), [(None, 20), (4.0, 20), (10.0, 25), (3600.0, 30)])
def test_how_long_an_idle_worker_is_watched(lease: float | None, watch: float) -> None:
    assert Calibration(Figures(lease=lease)).watch == watch


def coarse() -> Tale:
    """`a` is done with its message, and has left."""
    tale = Tale("coarse", completions=2)
    tale.sent("apple")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.exited(3, "a")
    return tale


def test_a_worker_that_waits_for_a_message() -> None:
    tale = coarse()
    assert idle(tale.events) is None
    tale.came(4, "b")
    assert idle(tale.events) is None
    tale.asked(5, "b")
    event = idle(tale.events)
    assert event is not None
    assert isinstance(event.what, AskedForItem)
    assert event.time == 5


def test_a_worker_that_leaves_without_a_message() -> None:
    tale = coarse()
    assert left_without(tale.events) is None
    tale.came(4, "b")
    tale.exited(9, "b", 0)
    event = left_without(tale.events)
    assert event is not None
    assert isinstance(event.what, ContainerSeen)
    assert idle(tale.events) is event


def test_where_it_is_not_known_who_has_settled_nobody_has_left_without() -> None:
    tale = Tale("coarse", completions=2)
    tale.sent("apple")
    tale.came(1, "a", owned=False)
    tale.worked(1, "a", "apple")
    tale.exited(3, "a")
    assert left_without(tale.events) is None


class FakeContext:
    """As much of a run as feeding needs: `a` is held at its report, `b` works and takes quickly."""

    def __init__(self, *, reports_at_once: int = 0) -> None:
        self.tale = Tale("fine")
        self.tale.sent("apple", "banana")
        for who in "ab":
            self.tale.came(1, who)
        self.tale.given(2, "a", "apple", until=60.0)
        self.tale.given(2, "b", "banana", until=60.0)
        self.steps: list[str] = []
        self._reports_at_once = reports_at_once
        self.items = [b"apple", b"banana", b"cherry", b"date"]
        self._rest = ["cherry", "date"]
        self.recorder: Any = SimpleNamespace(
            events=self.tale.events,
            elapsed=lambda: 4.0,
            wait_or_none=lambda _, find, __: find(self.tale.events),
        )
        self.points = SimpleNamespace(settling="settling", claiming=None)
        self.testbed = SimpleNamespace(tap=SimpleNamespace(sync=lambda: self.steps.append("sync")))
        self.calibration = SimpleNamespace(figures=Figures(pace=1.0))
        self.bounds = SimpleNamespace(progress=5.0)

    def add(self) -> bool:
        """The next item; `b`, which has just become free, takes it in the same moment."""
        if not self._rest:
            return False
        item = self._rest.pop(0)
        self.steps.append(f"add {item}")
        self.tale.settled(4, "b", "banana")
        self.tale.sent(item)
        self.tale.given(4, "b", item, until=60.0)
        if self._reports_at_once > 0:
            self._reports_at_once -= 1
            self.tale.settled(4.1, "b", item)
        return True

    def pod(self, worker: Worker) -> Any:
        return SimpleNamespace(address="")

    def set_breakpoint(self, _: str, address: str) -> Any:
        who = next(who for who in "ab" if self.address(who) == address)
        self.steps.append(f"break {who}")
        return SimpleNamespace(hit=None, who=who)

    def resume(self, handle: Any) -> None:
        self.steps.append(f"resume {handle.who}")

    def clear_breakpoints(self, handle: Any) -> None:
        self.steps.append(f"clear {handle.who}")

    def address(self, who: str) -> str:
        return address(self.tale, who)


def feeding(context: FakeContext) -> Feeding:
    caught: Any = SimpleNamespace(address=context.address("a"))
    report: Any = SimpleNamespace(hit=None, who="a")
    made: Any = context
    return Feeding(made, caught, report)


def test_the_report_of_a_worker_that_took_the_next_item_is_held_before_the_others_goes() -> None:
    """Else both find the queue empty at once, and may leave rightly."""
    context = FakeContext()
    assert feeding(context)._feed_item(20.0)
    assert context.steps == ["add cherry", "break b", "sync", "resume a"]


def test_a_worker_that_has_reported_it_already_is_given_another_item() -> None:
    context = FakeContext(reports_at_once=1)
    assert feeding(context)._feed_item(20.0)
    assert context.steps == [
        *("add cherry", "break b", "sync", "clear b"),
        *("add date", "break b", "sync", "resume a"),
    ]
