"""L2, progress: while an item is not begun and a worker is idle, something is delivered."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    AskedForItem,
    Bounds,
    FaultHealed,
    FaultInjected,
    Figures,
    ItemDelivered,
    ItemEnqueued,
)
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


def waits(until: float, *, last: float = 20.0) -> Tale:
    """`a` asks at 1, and is given the item at some time. The bound is 5 s."""
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.asked(1, "a")
    if until < last:
        tale.given(until, "a", "apple")
        tale.settled(until + 1, "a", "apple")
    tale.over(last)
    return tale


def test_delivered_in_time() -> None:
    assert good_fine().finds("L2") is Outcome.PASS
    assert good_coarse().finds("L2") is Outcome.PASS
    assert waits(5.9).finds("L2") is Outcome.PASS
    assert waits(6.0).finds("L2") is Outcome.PASS


@pytest.mark.parametrize(("until", "lasted"), [(6.1, 5.1), (99, 19.0)])
def test_delivered_late_or_never(until: float, lasted: float) -> None:
    tale = waits(until)
    failure = tale.failure("L2")
    assert tale.what(failure) == [ItemEnqueued, AskedForItem]
    assert failure.reason.startswith(f"for {lasted} s an item was there")


def test_one_late_is_not_made_good_by_one_in_time() -> None:
    tale = waits(6.1)
    tale.put(8, "harness", ItemEnqueued("banana", "queue"))
    tale.asked(8, "a")
    tale.given(9, "a", "banana")
    (finding,) = tale.judged("L2").findings
    assert finding.outcome is Outcome.FAIL


def test_of_several_the_first_are_shown() -> None:
    tale = Tale("fine")
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.asked(1, "a")
    tale.asked(2, "b")
    tale.over(20)
    first = next(one.id for one in tale.events if isinstance(one.what, AskedForItem))
    assert tale.failure("L2").evidence == (1, first)


def test_the_history_is_too_short() -> None:
    assert waits(99, last=5.0).finds("L2") is Outcome.UNKNOWN


def test_nobody_asks() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.over(60)
    (finding,) = tale.judged("L2").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "never was a worker seen to wait while an item was there"


def test_a_worker_that_is_held_does_not_wait() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.held(1.5, "a")
    tale.resume_client(30, "a")
    tale.given(31, "a", "apple")
    tale.over(60)
    assert tale.finds("L2") is Outcome.PASS


def test_deliveries_to_others_are_progress() -> None:
    """`b` waits long, but the others get one item after the other."""
    tale = Tale("fine")
    items = [f"item-{number}" for number in range(5)]
    tale.sent(*items)
    for who in "ab":
        tale.came(1, who)
    tale.asked(1, "b")
    for number, item in enumerate(items):
        tale.worked(1 + 3.0 * number, "a", item)
    tale.over(16)
    assert tale.finds("L2") is Outcome.PASS


def hoarded(*, began: float | None = None, returned: float | None = None) -> Tale:
    """`a` takes two, and works on the first until 20; `b` comes at 3 and has nothing to do."""
    tale = Tale("coarse")
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.given(1, "a", "apple")
    tale.given(1, "a", "banana")
    tale.began(1, "a", "apple")
    tale.came(3, "b")
    tale.asked(3, "b")
    if began is not None:
        tale.began(began, "a", "banana")
    if returned is not None:
        tale.returned(returned, "a", "banana")
        tale.given(returned, "b", "banana", redelivered=True)
    tale.settled(20, "a", "apple")
    tale.over(30)
    return tale


def test_hoarded_while_another_waits() -> None:
    tale = hoarded()
    assert tale.what(tale.failure("L2")) == [ItemDelivered, AskedForItem]


def test_not_hoarded() -> None:
    assert hoarded(began=4).finds("L2") is Outcome.PASS
    assert hoarded(returned=5).finds("L2") is Outcome.PASS


def test_the_first_that_it_is_given_is_not_in_stock() -> None:
    """Otherwise apple would be there before banana is, and `b` would have waited too long."""
    tale = Tale("coarse")
    for who in "ab":
        tale.came(0.1, who)
        tale.asked(0.1, who)
    tale.put(0.2, "harness", ItemEnqueued("apple", "queue"))
    tale.given(0.2, "a", "apple")
    tale.put(0.9, "harness", ItemEnqueued("banana", "queue"))
    tale.given(5.5, "b", "banana")
    tale.over(6)
    assert tale.finds("L2") is Outcome.PASS


@pytest.mark.parametrize("began", [True, False])
def test_what_was_begun_and_lost_has_kept_its_worker_busy(began: bool) -> None:
    """It hung in apple until others took that over, and banana was in its stock all the time.

    Not where it gave no sign of apple: so it may have begun banana at once.
    """
    tale = Tale("fine")
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    if began:
        tale.began(1, "a", "apple")
    tale.given(2, "a", "banana")
    tale.asked(3, "b")
    tale.reclaimed(20, "b", "apple")
    tale.given(21, "b", "apple")
    tale.settled(22, "a", "banana")
    tale.over(30)
    assert tale.finds("L2") is (Outcome.FAIL if began else Outcome.PASS)


def test_one_of_two_wants_no_more() -> None:
    """The item is still there, and so is the other."""
    tale = Tale("fine")
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
        tale.asked(1, who)
    tale.closed(4, "a")
    tale.given(8, "b", "apple")
    tale.over(20)
    assert tale.failure("L2").reason.startswith("for 7.0 s")


def test_sent_and_delivered_before_it_was_noted() -> None:
    """The harness notes what it has sent after the tap has seen it: that item was never there."""
    tale = Tale("fine")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.put(1.05, "harness", ItemEnqueued("apple", "queue"))
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple")
    tale.asked(2, "a")
    tale.over(20)
    assert tale.finds("L2") is Outcome.UNKNOWN
    tale.events.pop()
    late = tale.put(10, "harness", ItemEnqueued("banana", "queue"))
    tale.over(20)
    assert late in tale.failure("L2").evidence


@pytest.mark.parametrize(
    ("aim", "outcome"),
    [
        ({"worker": "a"}, Outcome.PASS),
        ({}, Outcome.PASS),
        ({"worker": "b"}, Outcome.FAIL),
        ({"connection": 99}, Outcome.FAIL),
    ],
)
def test_what_a_fault_touches_is_not_counted(aim: dict[str, Any], outcome: Outcome) -> None:
    """It touches whom it was aimed at, or everybody."""
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    if "worker" in aim:
        aim = {"worker": tale.worker(aim["worker"])}
    tale.put(1, "harness", FaultInjected("frozen", "somebody", **aim))
    tale.asked(1, "a")
    tale.put(30, "harness", FaultHealed("frozen"))
    tale.given(31, "a", "apple")
    tale.over(60)
    assert tale.finds("L2") is outcome


def test_no_more_wanted() -> None:
    tale = waits(99, last=60)
    tale.put(2, "tap", AskedForItem(tale.connection("a"), "queue", 0, at=2.0))
    assert tale.finds("L2") is Outcome.UNKNOWN


def pauses(until: float, *, asks: float | None = None, told: bool = True) -> Tale:
    """`a` was told at 1 that there is nothing; an item comes at 2, and `a` has it later."""
    tale = Tale("fine")
    tale.came(1, "a")
    tale.asked(1, "a")
    if told:
        tale.empty(1, "a")
    tale.put(2, "harness", ItemEnqueued("apple", "queue"))
    if asks is not None:
        tale.asked(asks, "a")
    tale.asked(until - 0.01, "a")
    tale.given(until, "a", "apple")
    tale.settled(until + 1, "a", "apple")
    tale.over(until + 2)
    return tale


def test_a_worker_may_pause_before_it_asks_again() -> None:
    """The bound is 5 s; a pause may last 60 s more, and ends with a request."""
    assert pauses(60).finds("L2") is Outcome.PASS
    assert pauses(68).finds("L2") is Outcome.FAIL
    assert pauses(60, asks=30).finds("L2") is Outcome.FAIL
    assert pauses(60, told=False).finds("L2") is Outcome.FAIL


# -- a stock that one works off while another asks ------------------------------------------------


def stocked(stock: int, work: float = 1.0, *, asks: bool = True) -> Tale:
    """`a` takes so many items at once; `b` is there all the time, and asks each half second."""
    figures, bounds = Figures(work=work, longest_pace=work), Bounds(20, progress=11, end=60)
    tale = Tale("fine", figures=figures, bounds=bounds)
    items = [f"item-{number}" for number in range(stock + 1)]
    tale.sent(*items)
    tale.came(1, "a")
    tale.came(1, "b")
    tale.asked(1, "a")
    for item in items:
        tale.given(1, "a", item)
    events = [(1.1 + 0.5 * number, "asks", "") for number in range(int(2 * work * len(items)))]
    for number, item in enumerate(items):
        events.append((1 + number * work, "begins", item))
        events.append((1 + (number + 1) * work - 0.01, "settles", item))
    for at, what, item in sorted(events):
        if what == "begins":
            tale.began(at, "a", item)
        elif what == "settles":
            tale.settled(at, "a", item)
        elif asks or at < 1.5:
            tale.asked(at, "b")
            tale.empty(at, "b")
    tale.over(60)
    return tale


def test_who_works_off_a_stock_while_another_asks_hoards() -> None:
    assert "had kept in stock" in stocked(8).failure("L2").reason


@pytest.mark.parametrize(
    "tale",
    [
        pytest.param(stocked(2), id="a few in advance"),
        pytest.param(stocked(8, 0.1), id="in no time"),
        pytest.param(stocked(8, asks=False), id="who pauses has not asked"),
    ],
)
def test_no_hoard(tale: Tale) -> None:
    assert tale.finds("L2") is not Outcome.FAIL
