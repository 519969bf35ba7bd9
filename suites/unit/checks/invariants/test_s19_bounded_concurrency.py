"""S19, bounded concurrency: no more items at once than the worker's owner says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.checks.verdict import Finding, Outcome, Verdict
from harness.history import Figures, ItemDelivered, ItemDone, ItemSettled, ItemStarted, RunEnded
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


def finding(tale: Tale) -> Finding:
    """The only thing that S19 says."""
    verdict: Verdict = tale.judged("S19")
    (found,) = verdict.findings
    return found


@pytest.mark.parametrize("good", [good_fine, good_coarse])
def test_one_after_the_other(good: Callable[[], Tale]) -> None:
    """Whoever has had nothing has shown nothing."""
    tale = good()
    tale.came(7, "c")
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert found.reason == "2 workers worked on 1 item at most"


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


def test_it_is_sure_even_when_the_run_was_broken_off() -> None:
    tale = overlapping(1)
    tale.drop(RunEnded)
    assert tale.finds("S19") is Outcome.FAIL


@pytest.mark.parametrize("late", [0.2, 0.25])
def test_a_line_may_come_a_bit_late(late: float) -> None:
    assert overlapping(late).finds("S19") is Outcome.PASS


@pytest.mark.parametrize("seconds", [0, 1])
def test_as_many_as_its_owner_says(seconds: float) -> None:
    """Or fewer."""
    found = finding(overlapping(seconds, concurrency=2))
    assert found.outcome is Outcome.PASS
    assert found.reason == "1 worker worked on 2 items at most"


def working(*work: tuple[str, float, float], concurrency: int = 1) -> Tale:
    """A worker has all of these from 1 on, and works on each from a moment to another."""
    tale = Tale("fine", concurrency=concurrency)
    names = [name for name, _, _ in work]
    tale.sent(*names)
    tale.came(0, "a")
    for name in names:
        tale.given(1, "a", name)
    for name, start, _ in sorted(work, key=lambda one: one[1]):
        tale.began(start, "a", name)
    for name, _, end in sorted(work, key=lambda one: one[2]):
        tale.finished(end, "a", name)
        tale.settled(end, "a", name)
    tale.over(30)
    return tale


def test_the_most_that_it_worked_on_at_once_are_shown() -> None:
    """In the order in which it got them; what it did alone before and after is left out."""
    tale = working(
        ("apple", 2, 3),
        ("banana", 4, 9),
        ("cherry", 5, 8),
        ("damson", 6, 8),
        ("elder", 10, 12),
        ("fig", 13, 14),
        concurrency=2,
    )
    found = tale.failure("S19")
    assert found.reason == "worker 1 was at work on 3 items at once: banana, cherry, damson"
    assert tale.what(found) == [ItemStarted] * 3 + [ItemDone] * 3


def test_of_two_times_with_as_many_the_first_is_shown() -> None:
    """It need not begin with what it was given first."""
    tale = working(
        ("apple", 8, 11),
        ("banana", 2, 5),
        ("cherry", 3, 6),
        ("damson", 9, 12),
    )
    reason = "worker 1 was at work on 2 items at once: banana, cherry"
    assert tale.failure("S19").reason == reason


def test_what_is_over_first_no_longer_counts() -> None:
    """It is over when the next one begins, the longer one is not."""
    tale = working(
        ("apple", 2, 9), ("banana", 3, 5), ("cherry", 4, 10), ("damson", 9, 12), concurrency=3
    )
    assert tale.finds("S19") is Outcome.PASS
    tale = working(("apple", 2, 9), ("banana", 3, 5), ("cherry", 6, 10), concurrency=2)
    assert tale.finds("S19") is Outcome.PASS


def test_however_long_the_first_goes_on() -> None:
    """Even twice as long, and a bit."""
    assert working(("apple", 2, 6.1), ("banana", 3, 7)).finds("S19") is Outcome.FAIL


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


def in_stock(*stock: tuple[str, float, float], concurrency: int = 1, final: bool = False) -> Tale:
    """A worker that says nothing has these, each from a moment to another."""
    tale = Tale("fine", concurrency=concurrency)
    tale.sent(*(name for name, _, _ in stock))
    tale.came(0, "a")
    steps = [(given, 1, name) for name, given, _ in stock]
    steps += [(ended, 0, name) for name, _, ended in stock if not final]
    for moment, given, name in sorted(steps):
        if given:
            tale.given(moment, "a", name, final=final)
        else:
            tale.settled(moment, "a", name)
    tale.over(30)
    return tale


def given(tale: Tale, *items: str) -> tuple[int, ...]:
    """The deliveries of these."""
    return tuple(
        one.id
        for one in tale.events
        if isinstance(one.what, ItemDelivered) and one.what.item in items
    )


STOCK = (("apple", 1, 2), ("banana", 2, 6), ("cherry", 3, 7), ("damson", 5, 8), ("elder", 5.5, 9))


@pytest.mark.parametrize(
    ("bound", "many"),
    [(1, ["banana", "cherry"]), (2, ["banana", "cherry", "damson"])],
)
def test_a_worker_that_says_nothing(bound: int, many: list[str]) -> None:
    """The first are shown that it had at once and that were too many."""
    tale = in_stock(*STOCK, concurrency=bound)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert "in hand at once, and does not say" in found.reason
    assert found.evidence == given(tale, *many)


@pytest.mark.parametrize("bound", [3, 4])
def test_a_worker_that_says_nothing_and_never_has_too_many(bound: int) -> None:
    tale = in_stock(*STOCK[:4], ("elder", 6, 9), concurrency=bound)
    assert tale.finds("S19") is Outcome.PASS


def test_what_nobody_settles_stays_in_hand() -> None:
    tale = in_stock(("apple", 1, 2), ("banana", 2, 3), ("cherry", 4, 5))
    assert tale.finds("S19") is Outcome.PASS
    tale.drop(ItemSettled, item="banana")
    assert finding(tale).evidence == given(tale, "banana", "cherry")


def test_the_wire_shows_no_end_of_what_was_taken_for_good() -> None:
    taken = (("apple", 1, 1), ("banana", 2, 2), ("cherry", 3, 3))
    tale = in_stock(*taken, final=True)
    assert finding(tale).outcome is Outcome.UNKNOWN
    assert finding(tale).evidence == given(tale, "apple", "banana")


def test_who_took_no_more_for_good_than_it_may_work_on() -> None:
    tale = in_stock(("apple", 1, 1), ("banana", 2, 2), concurrency=2, final=True)
    tale.drop(RunEnded)
    tale.sent("cherry")
    tale.came(3, "b")
    tale.worked(4, "b", "cherry")
    tale.over(30)
    assert finding(tale).reason == "2 workers worked on 2 items at most"


@pytest.mark.parametrize("bound", [1, 2])
def test_so_few_items_prove_nothing(bound: int) -> None:
    tale = Tale("fine", concurrency=bound)
    tale.sent("apple")
    tale.came(0, "a")
    tale.worked(1, "a", "apple")
    tale.over(9)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason.startswith("there were no more than ")


def test_where_nobody_had_anything_nothing_is_proved() -> None:
    tale = Tale("fine")
    tale.sent("apple", "banana")
    tale.came(0, "a")
    tale.over(9)
    assert not tale.judged("S19").findings
