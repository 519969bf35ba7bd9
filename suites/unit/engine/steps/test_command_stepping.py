"""What others have done with an item, and which commands change nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from harness.engine.steps.command_stepping import ANY, CommandStepping, changed
from harness.history import ConnectionOpened
from harness.scenarios.back_in_two_looks import _ready
from harness.suites.unit.dsl.history import Tale
from harness.tap.records import Command, Method


def test_any_command_is_a_step() -> None:
    assert ANY.fits(Command(1, 1, (b"LLEN", b"job2")))
    assert not ANY.fits(Method(1, "broker", 1, "Basic.Ack", {}))


def taken(do: str) -> Any:
    """`a` is lost with an item, `b` does something to it; what is seen of that."""
    tale = Tale("fine")
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    given = tale.given(1, "a", "apple", until=6.0)
    tale.settled(2, "a", "apple") if do == "own" else None
    tale.given(2, "b", "banana") if do == "another" else None
    tale.given(7, "b", "apple") if do == "given" else None
    tale.reclaimed(7, "b", "apple") if do == "reclaimed" else None
    tale.settled(7, "b", "apple") if do == "removed" else None
    opened = [one.what for one in tale.events if isinstance(one.what, ConnectionOpened)]
    address = next(one.address for one in opened if one.connection == tale.connection("a"))
    found = changed("apple", address, given)(tale.events)
    return None if found is None else type(found.what).__name__


def test_what_another_does_with_the_item() -> None:
    assert taken("given") == "ItemDelivered"
    assert taken("reclaimed") == "ItemReclaimed"
    assert taken("removed") == "ItemSettled"
    assert taken("own") is None
    assert taken("another") is None


def test_an_item_that_is_back_is_ready_until_it_is_given() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    before = len(tale.events)
    assert _ready(before)(tale.events) is None
    tale.given(1, "a", "apple")
    tale.returned(2, "a", "apple")
    assert _ready(before)(tale.events) is tale.events[-1]
    tale.given(3, "b", "apple")
    assert _ready(before)(tale.events) is None


class Clock:
    """A recording in which nothing happens: waiting is all that takes time."""

    now = 0.0
    events: tuple[()] = ()

    def elapsed(self) -> float:
        return self.now

    def wait_or_none(self, _: str, __: Any, timeout: float) -> None:
        self.now += timeout


def test_nobody_waits_for_a_moment_far_away() -> None:
    clock = Clock()
    stepping = CommandStepping(SimpleNamespace(recorder=clock))  # type: ignore[arg-type]
    assert stepping.until(lambda _: None, 20.0, since=3600.0) is None
    assert clock.now <= 20.5
