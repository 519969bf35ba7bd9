"""S14, conservation: what was sent is settled or left, equal items each for itself."""

from __future__ import annotations

import pytest
from histories import Tale, good_coarse, good_fine

from harness.history import (
    BrokerDepth,
    ConnectionOwner,
    ItemDelivered,
    ItemEnqueued,
    ItemLeft,
    ItemSettled,
)
from harness.verdict import Outcome


def equal(pattern: str = "fine", copies: int = 2) -> Tale:
    """Each of two workers has one of the equal items."""
    tale = Tale(pattern, completions=copies if pattern == "coarse" else None, unique_items=False)
    tale.sent(*["apple"] * copies)
    for who in "ab":
        tale.came(0, who)
        tale.given(1, who, "apple")
        tale.began(1, who, "apple")
    return tale


def ended(tale: Tale) -> Tale:
    tale.job(6, "Complete", succeeded=2)
    tale.left(9)
    tale.over(10)
    return tale


def test_all_are_settled() -> None:
    assert good_fine().finds("S14") is Outcome.PASS
    assert good_coarse().finds("S14") is Outcome.PASS


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_equal_items_settled_one_by_one(pattern: str) -> None:
    tale = equal(pattern)
    for moment, who in ((2, "a"), (3, "b")):
        tale.settled(moment, who, "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_one_after_the_other_by_the_same_worker() -> None:
    tale = equal(copies=3)
    for who in "ab":
        tale.settled(2, who, "apple")
    tale.worked(3, "a", "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_what_is_left_or_set_aside_is_accounted_for() -> None:
    tale = equal(copies=4)
    tale.settled(2, "a", "apple")
    tale.settled(2, "b", "apple", "dead")
    tale.left(9, "apple", "apple")
    tale.left(9, "apple", where="dead", queue="queue:dead")
    tale.over(10)
    assert tale.finds("S14") is Outcome.PASS


def test_an_archive_of_what_was_done_is_no_second_item() -> None:
    tale = good_fine()
    tale.drop(BrokerDepth)
    tale.left(9, "apple", where="dead", queue="queue:done")
    assert tale.finds("S14") is Outcome.PASS


def test_both_go_when_one_is_done() -> None:
    """`LREM key 0 apple`: the other worker's item goes with it."""
    tale = equal()
    for _ in range(2):
        tale.settled(2, "a", "apple")
    tale.settled(3, "b", "apple", effective=False)
    finding = ended(tale).failure("S14")
    assert tale.what(finding) == [ItemDelivered, ItemDelivered, ItemSettled, ItemSettled]
    assert finding.reason == "worker 1 was given apple once, and twice it was settled with that"


def test_what_still_waits_goes_with_it() -> None:
    tale = equal(copies=3)
    tale.settled(2, "a", "apple")
    tale.given(2, "a", "apple", final=True)
    tale.settled(3, "b", "apple")
    finding = ended(tale).failure("S14")
    assert "given apple once, and twice" in finding.reason


@pytest.mark.parametrize("began", [True, False])
def test_who_takes_the_next_one_for_good_has_taken_it(began: bool) -> None:
    """What is taken in the moment of a report is no work left out: its worker begins it."""
    tale = equal(copies=3)
    tale.settled(2, "a", "apple")
    tale.given(2 if began else 2.5, "a", "apple", final=True)
    if began:
        tale.began(2.1, "a", "apple")
    tale.settled(3, "b", "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_nobody_knows_who_was_given_what() -> None:
    tale = equal()
    tale.drop(ConnectionOwner, connection=tale.connection("b"))
    for _ in range(2):
        tale.settled(2, "a", "apple")
    assert ended(tale).finds("S14") is Outcome.UNKNOWN


def test_settled_and_still_there() -> None:
    tale = good_fine()
    tale.drop(BrokerDepth)
    tale.left(9, "apple")
    assert tale.what(tale.failure("S14")) == [ItemEnqueued, ItemSettled, ItemLeft]


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_gone_and_nobody_ever_had_it(pattern: str) -> None:
    tale = good_fine() if pattern == "fine" else good_coarse()
    tale.put(10, "harness", ItemEnqueued("cherry", "queue"))
    tale.drop(BrokerDepth)
    tale.left(11)
    tale.over(12)
    assert tale.what(tale.failure("S14")) == [ItemEnqueued, BrokerDepth]


def test_gone_from_somebodys_hands() -> None:
    """It may have been settled in a way that was not understood, or set aside by the broker."""
    tale = equal()
    tale.settled(2, "a", "apple")
    assert ended(tale).finds("S14") is Outcome.UNKNOWN


def test_a_broker_that_was_harmed_may_have_lost_it() -> None:
    tale = good_fine(faults=("broker killed",))
    tale.sent("cherry")
    tale.harmed(10, "broker killed")
    tale.drop(BrokerDepth)
    tale.left(11)
    tale.over(12)
    assert tale.finds("S14") is Outcome.UNKNOWN


def test_nobody_has_looked() -> None:
    tale = good_fine()
    tale.drop(BrokerDepth)
    assert tale.finds("S14") is Outcome.UNKNOWN
