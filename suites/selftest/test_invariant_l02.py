"""L2, progress: while an item is not begun and a worker is idle, something is delivered."""

from __future__ import annotations

from histories import Tale, good_coarse, good_fine

from harness.history import AskedForItem, FaultHealed, FaultInjected, ItemDelivered, ItemEnqueued
from harness.verdict import Outcome


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


def test_delivered_late_or_never() -> None:
    for tale in (waits(6.1), waits(99)):
        assert tale.what(tale.failure("L2")) == [ItemEnqueued, AskedForItem]


def test_the_history_is_too_short() -> None:
    assert waits(99, last=5.0).finds("L2") is Outcome.UNKNOWN


def test_nobody_asks() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.over(60)
    assert tale.finds("L2") is Outcome.UNKNOWN


def test_a_worker_that_is_held_does_not_wait() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.held(1.5, "a")
    tale.let_go(30, "a")
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


def test_what_a_fault_touches_is_not_counted() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.put(1, "harness", FaultInjected("frozen", "a", tale.worker("a")))
    tale.asked(1, "a")
    tale.put(30, "harness", FaultHealed("frozen"))
    tale.given(31, "a", "apple")
    tale.over(60)
    assert tale.finds("L2") is Outcome.PASS


def test_no_more_wanted() -> None:
    tale = waits(99, last=60)
    tale.put(2, "tap", AskedForItem(tale.connection("a"), "queue", 0, at=2.0))
    assert tale.finds("L2") is Outcome.UNKNOWN
