"""S7, justified duplicates: nobody is given an item once more without a reason."""

from __future__ import annotations

from histories import QUEUE, Tale, good_coarse, good_fine

from harness.history import Figures, ItemDelivered, ItemEnqueued, ItemSettled
from harness.verdict import Outcome

FIRST = "t1"

LEASED = Figures(work=1.0, lease=10.0)


def taken(figures: Figures = LEASED, until: float | None = 11.0) -> Tale:
    """`a` and `b` are there, and `a` was given an item at 1."""
    tale = Tale("fine", figures=figures)
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=until)
    return tale


def test_each_item_once() -> None:
    for tale in (good_fine(), good_coarse()):
        assert tale.finds("S7") is Outcome.PASS


def test_nobody_was_given_anything() -> None:
    tale = Tale()
    tale.sent("apple")
    tale.over(5)
    assert tale.finds("S7") is Outcome.UNKNOWN


def test_the_lease_was_over() -> None:
    tale = taken()
    tale.reclaimed(11.1, "b", "apple")
    tale.given(11.1, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.PASS


def test_the_lease_was_not_over() -> None:
    tale = taken()
    tale.reclaimed(6, "b", "apple")
    tale.given(6, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.what(tale.failure("S7")) == [ItemDelivered, ItemDelivered]


def test_a_renewal_counts() -> None:
    """Of many, the last one."""
    tale = taken(until=4.0)
    for moment in (3.0, 6.0, 9.0):
        tale.leased(moment, "a", "apple", moment + 3)
    tale.given(10, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.FAIL
    tale.drop(ItemDelivered, redelivered=True)
    tale.given(12.1, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.PASS


def test_other_reasons() -> None:
    """Death, a return, a lost connection: each is one for one delivery, and for no more."""
    for reason in ("killed", "returned", "cut"):
        tale = taken()
        if reason == "killed":
            tale.killed(2, "a")
        elif reason == "returned":
            tale.returned(2, "a", "apple")
        else:
            tale.cut(2, "a")
        tale.given(5, "b", "apple", redelivered=True, until=15.0)
        tale.over(30)
        assert tale.finds("S7") is Outcome.PASS, reason
        tale.events.pop()
        tale.came(5.5, "c")
        tale.given(6, "c", "apple", redelivered=True, until=16.0)
        tale.over(30)
        assert tale.finds("S7") is Outcome.FAIL, reason


def test_a_lease_does_not_hang_on_a_connection() -> None:
    """Some make one for each command."""
    tale = taken()
    tale.closed(2, "a")
    tale.given(5, "b", "apple", redelivered=True, until=15.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_settled_is_no_reason() -> None:
    tale = taken()
    tale.settled(2, "a", "apple")
    tale.given(5, "b", "apple", redelivered=True)
    tale.over(30)
    assert tale.what(tale.failure("S7")) == [ItemDelivered, ItemSettled, ItemDelivered]


def test_asked_again_for_a_lost_answer() -> None:
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple")
    tale.came(0.5, "a")
    tale.given(1, "a", "apple", until=11.0, token=FIRST)
    tale.given(6, "a", "apple", until=11.0, token=FIRST, redelivered=True)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS


def test_given_before_it_was_enqueued() -> None:
    """That was something else: what comes later is judged without it."""
    tale = Tale("fine", figures=LEASED)
    for who in "abc":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.put(2, "harness", ItemEnqueued("apple", QUEUE))
    tale.over(30)
    assert tale.finds("S7") is Outcome.UNKNOWN
    tale.events.pop()
    tale.given(3, "b", "apple", until=13.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS
    tale.events.pop()
    tale.given(5, "c", "apple", until=15.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_equal_items_are_two() -> None:
    tale = Tale("fine", figures=LEASED, unique_items=False)
    tale.sent("apple", "apple")
    for who in "abc":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.given(1, "b", "apple", until=11.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS
    tale.events.pop()
    tale.given(3, "c", "apple", until=11.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_without_leases_nobody_can_say() -> None:
    tale = taken(Figures(work=1.0), until=None)
    tale.given(6, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.UNKNOWN


def test_a_lease_that_was_not_there_yet() -> None:
    """Others of its kind have leases; this item was taken over before it had one."""
    tale = taken(until=None)
    tale.given(1.2, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.FAIL


def test_a_coarse_message_comes_back_with_its_connection() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple")
    tale.killed(2, "a")
    tale.given(3, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.PASS
