"""S4, lease exclusivity: one lease at a time, and the settlement within it."""

from __future__ import annotations

from histories import QUEUE, Tale, good_fine

from harness.history import Figures, ItemDelivered, ItemEnqueued, ItemSettled
from harness.verdict import Outcome

FIRST, SECOND = "t1", "t2"


def leased(*items: str) -> Tale:
    """`a` has a lease on apple, from 1 to 11."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent(*(items or ("apple",)))
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0, token=FIRST)
    return tale


def test_settled_within_the_lease() -> None:
    tale = leased()
    tale.settled(3, "a", "apple")
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_settled_within_a_renewed_lease() -> None:
    tale = leased()
    tale.leased(9, "a", "apple", 19.0)
    tale.settled(15, "a", "apple")
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_leased_before_it_was_enqueued() -> None:
    """Nobody else had it: that it was not there yet is no second lease."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0, token=FIRST)
    tale.put(2, "harness", ItemEnqueued("apple", QUEUE))
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_settled_when_it_was_over() -> None:
    tale = leased()
    tale.settled(15, "a", "apple")
    tale.over(20)
    assert tale.what(tale.failure("S4")) == [ItemDelivered, ItemSettled]


def test_a_report_that_was_held_counts_when_the_broker_got_it() -> None:
    tale = leased()
    tale.held(5, "a", "before command")
    tale.let_go(15, "a")
    tale.settled(15.01, "a", "apple")
    tale.over(20)
    assert tale.finds("S4") is Outcome.FAIL


def test_too_late_and_without_effect() -> None:
    """Then it may even say that it is done."""
    tale = leased()
    tale.finished(15, "a", "apple")
    tale.settled(15, "a", "apple", effective=False)
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_a_second_lease_beside_the_first() -> None:
    tale = leased()
    tale.given(6, "b", "apple", until=16.0, token=SECOND, redelivered=True)
    tale.over(20)
    assert tale.what(tale.failure("S4")) == [ItemDelivered, ItemDelivered]


def test_one_lease_after_the_other() -> None:
    for dead in (False, True):
        tale = leased()
        if dead:
            tale.killed(2, "a")
        tale.given(6 if dead else 11.2, "b", "apple", until=25.0, token=SECOND, redelivered=True)
        tale.over(20)
        assert tale.finds("S4") is Outcome.PASS


def test_equal_items_have_a_lease_each() -> None:
    tale = leased("apple", "apple")
    tale.given(6, "b", "apple", until=16.0, token=SECOND)
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_no_lease_was_seen() -> None:
    assert good_fine().finds("S4") is Outcome.UNKNOWN
