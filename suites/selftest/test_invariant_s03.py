"""S3, ack after work: an item is settled after the work on it, not before."""

from __future__ import annotations

import pytest
from histories import Tale, good_coarse, good_fine

from harness.history import (
    ConnectionHeld,
    Figures,
    ItemDelivered,
    ItemDone,
    ItemSettled,
    RunEnded,
)
from harness.verdict import Outcome


def one(
    settled: float,
    done: float | None,
    *,
    began: float | None = None,
    held: float | None = None,
    figures: Figures = Figures(),  # noqa: B008  # frozen
) -> Tale:
    """An item that was delivered at 1.0; `held` is when its settlement was stopped."""
    tale = Tale("fine", figures=figures)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    if held is not None:
        tale.held(held, "a", "settling")
        tale.let_go(settled, "a")
    tale.settled(settled, "a", "apple")
    if began is not None:
        tale.began(began, "a", "apple")
    if done is not None:
        tale.finished(done, "a", "apple")
    tale.over(20)
    return tale


def test_settled_after_the_work() -> None:
    assert good_fine().finds("S3") is Outcome.PASS
    assert good_coarse().finds("S3") is Outcome.PASS


@pytest.mark.parametrize(
    ("settled", "done", "outcome"),
    [
        pytest.param(3.0, 2.9, Outcome.PASS, id="done, then settled"),
        pytest.param(3.0, 3.2, Outcome.PASS, id="settled, then said so"),
        pytest.param(3.0, 3.9, Outcome.PASS, id="said so with a late log"),
        pytest.param(1.1, 3.0, Outcome.FAIL, id="settled, then worked"),
        pytest.param(1.01, 1.4, Outcome.UNKNOWN, id="too quick to tell"),
        pytest.param(2.0, 2.8, Outcome.UNKNOWN, id="in the middle"),
        pytest.param(3.0, None, Outcome.UNKNOWN, id="without a word"),
    ],
)
def test_when_it_is_settled(settled: float, done: float | None, outcome: Outcome) -> None:
    assert one(settled, done).finds("S3") is outcome


def test_the_story_of_an_early_settlement() -> None:
    tale = one(1.1, 3.0)
    assert tale.what(tale.failure("S3")) == [ItemDelivered, ItemSettled, ItemDone]


def test_begun_after_it_was_settled() -> None:
    assert one(1.1, None, began=2.0).finds("S3") is Outcome.FAIL
    assert one(1.1, None, began=1.2).finds("S3") is Outcome.UNKNOWN


def test_popped_for_good_and_then_worked_on() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", final=True)
    tale.finished(3, "a", "apple")
    tale.over(9)
    assert tale.finds("S3") is Outcome.FAIL


WORK = Figures(work=2.0)


@pytest.mark.parametrize(
    ("held", "settled", "done", "outcome"),
    [
        pytest.param(3.0, 9.0, 3.1, Outcome.PASS, id="done, though the settlement is stopped"),
        pytest.param(3.0, 9.0, 9.1, Outcome.PASS, id="says so once it has the answer"),
        pytest.param(1.1, 9.0, 3.1, Outcome.FAIL, id="works while it is stopped"),
        pytest.param(1.1, 9.0, 11.0, Outcome.FAIL, id="works once it has the answer"),
        pytest.param(1.1, 3.0, 3.05, Outcome.UNKNOWN, id="worked meanwhile, or was quick"),
    ],
)
def test_held_at_its_settlement(held: float, settled: float, done: float, outcome: Outcome) -> None:
    """What counts is when the worker said it, not when the tap let it go on."""
    assert one(settled, done, held=held, figures=WORK).finds("S3") is outcome


def test_the_story_of_a_held_settlement() -> None:
    tale = one(9.0, 3.1, held=1.1, figures=WORK)
    kinds = [ItemDelivered, ConnectionHeld, ItemSettled, ItemDone]
    assert tale.what(tale.failure("S3")) == kinds


def test_a_settlement_without_effect_is_none() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(1.1, "a", "apple", effective=False)
    tale.finished(3, "a", "apple")
    tale.over(9)
    assert tale.finds("S3") is Outcome.UNKNOWN


def many(*early: bool) -> Tale:
    tale = Tale("fine")
    items = [f"item-{number}" for number in range(len(early))]
    tale.sent(*items)
    tale.came(1, "a")
    for number, (item, soon) in enumerate(zip(items, early, strict=True)):
        start = 10.0 * number + 1
        tale.given(start, "a", item)
        if soon:
            tale.settled(start + 0.1, "a", item)
        tale.finished(start + 2, "a", item)
        if not soon:
            tale.settled(start + 2, "a", item)
    tale.over(99)
    return tale


def test_what_counts_is_what_it_does_as_a_rule() -> None:
    assert many(True, True, False).finds("S3") is Outcome.FAIL
    assert many(True, False, False).finds("S3") is Outcome.UNKNOWN
    assert many(False, False, False).finds("S3") is Outcome.PASS


def given(tale: Tale, item: str) -> int:
    """The id of an item's delivery."""
    (found,) = (
        event.id
        for event in tale.events
        if isinstance(event.what, ItemDelivered) and event.what.item == item
    )
    return found


def test_the_first_early_one_is_told_and_how_many_there_are() -> None:
    tale = many(False, True, True)
    failure = tale.failure("S3")
    assert "item-1 before the work on it, as 2 of 3" in failure.reason
    assert failure.evidence[0] == given(tale, "item-1")


def test_the_first_odd_one_is_told_and_how_many_there_are() -> None:
    tale = many(False, True, False)
    (finding,) = tale.judged("S3").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason.startswith("1 of 3 items may have been settled")
    assert finding.evidence[0] == given(tale, "item-1")


def test_what_was_seen_stands_although_the_run_was_broken_off() -> None:
    tale = one(1.1, 3.0)
    tale.drop(RunEnded)
    tale.over(20, "the connection was lost")
    assert tale.finds("S3") is Outcome.FAIL
