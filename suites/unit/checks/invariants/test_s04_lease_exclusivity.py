"""S4, lease exclusivity: one lease at a time, and the settlement within it."""

from __future__ import annotations

from harness.checks.verdict import Outcome
from harness.history import Figures, ItemDelivered, ItemEnqueued, ItemSettled
from harness.suites.unit.dsl.history import QUEUE, Tale, good_fine

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
    for whole in (False, True):  # it was seen, so it stands also in half a history
        if whole:
            tale.over(20)
        (found,) = tale.judged("S4").findings
        assert found.outcome is Outcome.FAIL
        assert found.reason == "worker 1 settled apple 4.0 s after its lease was over"
        assert tale.what(found) == [ItemDelivered, ItemSettled]


def test_clocks_may_differ_by_half_a_second() -> None:
    for moment, outcome in ((11.5, Outcome.PASS), (11.6, Outcome.FAIL)):
        tale = leased()
        tale.settled(moment, "a", "apple")
        tale.over(20)
        assert tale.finds("S4") is outcome


def test_set_aside_when_it_was_over() -> None:
    """That is no word of the worker's."""
    tale = leased()
    tale.settled(15, "a", "apple", "dead")
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_a_report_that_was_held_counts_when_the_broker_got_it() -> None:
    tale = leased()
    tale.held(5, "a", "before command")
    tale.resume_client(15, "a")
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


def test_the_latest_lease_beside_its_own_is_told() -> None:
    tale = leased()
    second = tale.given(6, "b", "apple", until=16.0, token=SECOND, redelivered=True)
    tale.came(6.5, "c")
    third = tale.given(7, "c", "apple", until=17.0, redelivered=True)
    tale.over(20)
    one, other = tale.judged("S4").findings[:2]
    assert one.reason.endswith("on which worker 1 had one for another 5.0 s")
    assert other.reason.endswith("on which worker 2 had one for another 9.0 s")
    assert other.evidence == (second, third)


def test_the_same_lease_is_no_second_one() -> None:
    """Its answer was lost, and it was asked for once more."""
    tale = leased()
    tale.given(6, "a", "apple", until=16.0, token=FIRST, redelivered=True)
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_who_has_settled_has_no_lease_any_more() -> None:
    tale = leased()
    tale.settled(3, "a", "apple")
    tale.given(6, "b", "apple", until=16.0, token=SECOND, redelivered=True)
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


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


def test_an_equal_item_must_have_been_there_by_then() -> None:
    tale = leased()
    tale.given(6, "b", "apple", until=16.0, token=SECOND)
    tale.put(6, "tap", ItemEnqueued("apple", QUEUE))
    tale.over(20)
    assert tale.finds("S4") is Outcome.FAIL


def test_equal_items_that_were_given_as_soon_as_they_were_there() -> None:
    """They were seen in this order, but when they were enqueued is only known to have been then."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    for moment, who, token in ((5, "a", FIRST), (6, "b", SECOND)):
        tale.came(moment - 0.5, who)
        tale.put(moment + 0.2, "tap", ItemEnqueued("apple", QUEUE))
        tale.given(moment, who, "apple", until=moment + 10.0, token=token)
    tale.over(20)
    assert tale.finds("S4") is Outcome.PASS


def test_a_claim_that_is_answered_twice_is_one_lease() -> None:
    for items in (("apple",), ("apple", "apple")):
        tale = leased(*items)
        tale.given(4, "a", "apple", until=11.0, token=FIRST, redelivered=True)
        if len(items) == 1:
            tale.returned(5, "a", "apple")
        tale.given(6, "b", "apple", until=16.0, token=SECOND)
        tale.over(20)
        assert tale.finds("S4") is Outcome.PASS


def test_one_had_a_lease_and_another_none() -> None:
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent("apple")
    tale.came(0.5, "a")
    tale.given(1, "a", "apple")
    tale.killed(2, "a")
    tale.came(2.5, "b")
    tale.given(3, "b", "apple", until=13.0, token=SECOND, redelivered=True)
    tale.settled(15, "b", "apple")
    tale.over(20)
    assert tale.what(tale.failure("S4")) == [ItemDelivered, ItemSettled]


def test_no_lease_was_seen() -> None:
    (found,) = good_fine().judged("S4").findings
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "no lease was seen"
