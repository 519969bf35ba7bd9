"""S19, bounded concurrency: no more items at once than the worker's owner says."""

from __future__ import annotations

import pytest
from histories import Tale, good_coarse, good_fine

from harness.history import Figures, ItemDone, ItemStarted
from harness.verdict import Outcome


def test_one_after_the_other() -> None:
    assert good_fine().finds("S19") is Outcome.PASS
    assert good_coarse().finds("S19") is Outcome.PASS


def overlapping(seconds: float, **fields: object) -> Tale:
    """A worker that begins its second item so many seconds before the end of the first."""
    tale = Tale("fine", **fields)
    tale.sent("apple", "banana", "cherry")
    tale.came(0, "a")
    tale.given(1, "a", "apple")
    tale.began(1, "a", "apple")
    tale.given(3 - seconds, "a", "banana")
    tale.began(3 - seconds, "a", "banana")
    tale.finished(3, "a", "apple")
    tale.settled(3, "a", "apple")
    tale.finished(5, "a", "banana")
    tale.settled(5, "a", "banana")
    tale.over(9)
    return tale


def test_two_at_once() -> None:
    finding = overlapping(1).failure("S19")
    assert finding.reason == "worker 1 was at work on 2 items at once: apple, banana"
    tale = overlapping(1)
    assert tale.what(finding) == [ItemStarted, ItemStarted, ItemDone, ItemDone]


def test_a_line_may_come_a_bit_late() -> None:
    assert overlapping(0.2).finds("S19") is Outcome.PASS


def test_as_many_as_its_owner_says() -> None:
    assert overlapping(1, concurrency=2).finds("S19") is Outcome.PASS


def test_three_where_two_are_allowed() -> None:
    tale = overlapping(1, concurrency=2)
    tale.drop(ItemDone, item="banana")
    tale.given(2.5, "a", "cherry")
    tale.began(2.5, "a", "cherry")
    tale.finished(6, "a", "banana")
    tale.finished(6, "a", "cherry")
    assert tale.finds("S19") is Outcome.FAIL


@pytest.mark.parametrize(
    ("after", "outcome"), [(True, Outcome.FAIL), (None, Outcome.UNKNOWN), (False, Outcome.UNKNOWN)]
)
def test_the_settlement_tells_where_it_comes_after_the_work(
    after: bool | None, outcome: Outcome
) -> None:
    tale = overlapping(1, figures=Figures(work=1.0, settles_after_work=after))
    tale.drop(ItemDone)
    assert tale.finds("S19") is outcome


def test_what_is_kept_in_stock_is_not_worked_on() -> None:
    tale = overlapping(1)
    tale.drop(ItemStarted, item="banana")
    tale.drop(ItemDone, item="banana")
    assert tale.finds("S19") is Outcome.PASS


def test_a_worker_that_says_nothing() -> None:
    tale = overlapping(1)
    tale.drop(ItemStarted)
    tale.drop(ItemDone)
    assert tale.finds("S19") is Outcome.UNKNOWN


def test_the_wire_shows_no_end_of_what_was_taken_for_good() -> None:
    tale = Tale("fine")
    tale.sent("apple", "banana")
    tale.came(0, "a")
    for moment, item in ((1, "apple"), (2, "banana")):
        tale.given(moment, "a", item, final=True)
    tale.over(9)
    assert tale.finds("S19") is Outcome.UNKNOWN


def test_one_item_proves_nothing() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a")
    tale.worked(1, "a", "apple")
    tale.over(9)
    assert tale.finds("S19") is Outcome.UNKNOWN
