"""L4: an item that kills its workers is tried a few times, then set aside; others are done."""

from __future__ import annotations

import pytest
from histories import Tale, good_fine

from harness.history import ItemDelivered, ItemEnqueued
from harness.verdict import Outcome


def poisoned(deaths: int, pattern: str = "fine", **fields: object) -> Tale:
    """The apple kills one worker after the other; the banana is done."""
    tale = Tale(pattern, **fields)
    tale.sent("apple", "banana")
    for number in range(deaths):
        who = f"w{number}"
        tale.came(10 * number + 1, who)
        if number == 0:
            tale.worked(1, who, "banana")
        tale.given(10 * number + 2, who, "apple")
        tale.killed(10 * number + 3, who)
    tale.came(100, "z")
    return tale


def test_it_is_set_aside() -> None:
    tale = poisoned(3)
    tale.settled(101, "z", "apple", how="dead")
    tale.over(110)
    assert tale.finds("L4") is Outcome.PASS


def test_it_is_tried_once_too_often() -> None:
    tale = poisoned(5)
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.FAIL
    assert tale.what(tale.failure("L4")) == [ItemDelivered] * 6


def test_how_often_is_for_the_user_to_say() -> None:
    tale = poisoned(5, max_attempts=6)
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.UNKNOWN


def test_a_queue_that_counts_nothing() -> None:
    tale = poisoned(5, "coarse", completions=2)
    tale.given(101, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.UNKNOWN


def test_a_queue_that_counts_sets_it_aside() -> None:
    """Without a word on the wire: it is found in the dead-letter place."""
    tale = poisoned(5, "coarse", completions=4)
    tale.left(109, "apple", where="dead", queue="queue.dead")
    tale.over(110)
    assert tale.finds("L4") is Outcome.PASS


def test_who_sends_it_anew_is_to_blame() -> None:
    tale = poisoned(5, "coarse", completions=4)
    tale.sent("apple")
    tale.given(101, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.FAIL
    kinds = [ItemDelivered] * 5 + [ItemEnqueued, ItemDelivered]
    assert tale.what(tale.failure("L4")) == kinds


def test_the_rest_is_not_done() -> None:
    tale = poisoned(3)
    tale.sent("cherry")
    tale.settled(101, "z", "apple", how="dead")
    tale.over(110)
    assert tale.finds("L4") is Outcome.UNKNOWN


@pytest.mark.parametrize("deaths", [0, 1])
def test_too_few_have_died(deaths: int) -> None:
    tale = poisoned(deaths)
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.UNKNOWN


def test_who_gives_back_has_not_died_of_it() -> None:
    tale = Tale()
    tale.sent("apple")
    for number in range(7):
        who = f"w{number}"
        tale.came(number, who)
        tale.given(number, who, "apple")
        tale.returned(number + 0.5, who, "apple")
        tale.exited(number + 0.6, who, 1)
    tale.over(20)
    assert tale.finds("L4") is Outcome.UNKNOWN


def test_nobody_died() -> None:
    assert good_fine().finds("L4") is Outcome.UNKNOWN
