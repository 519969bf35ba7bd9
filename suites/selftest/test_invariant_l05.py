"""L5: while some items are given back again and again, the others have their turn."""

from __future__ import annotations

from histories import Tale, good_fine

from harness.history import ItemEnqueued, ItemReturned
from harness.verdict import Outcome


def given_back(times: int) -> Tale:
    """The apple is given back so many times; the banana waits. With two items 10 are allowed."""
    tale = Tale()
    tale.sent("apple", "banana")
    tale.came(1, "a")
    for moment in range(1, times + 1):
        tale.given(moment, "a", "apple")
        tale.returned(moment + 0.5, "a", "apple")
    tale.given(times + 1, "a", "apple")
    tale.settled(times + 1.5, "a", "apple", "dead")
    return tale


def test_all_have_their_turn() -> None:
    tale = given_back(10)
    tale.worked(12, "a", "banana")
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_what_its_queue_has_set_aside_waits_for_nobody() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple", "banana")
    for moment in (1, 5, 9):
        tale.came(moment, "a")
        tale.given(moment, "a", "apple")
        tale.returned(moment + 1, "a", "apple")
        tale.exited(moment + 2, "a", 1)
    tale.came(13, "a")
    tale.worked(14, "a", "banana")
    tale.exited(16, "a")
    tale.left(19, "apple", where="dead", queue="queue.dead")
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_who_fails_and_hangs_up_has_given_back() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.exited(2, "a", 1)
    for name in ("apple", "banana"):
        tale.came(4, name)
        tale.worked(5, name, name)
        tale.exited(7, name)
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_who_was_killed_has_given_nothing_back() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.killed(2, "a")
    tale.came(4, "b")
    tale.worked(5, "b", "apple")
    tale.over(20)
    assert tale.finds("L5") is Outcome.UNKNOWN


def test_one_is_overtaken_for_ever() -> None:
    tale = given_back(11)
    tale.worked(13, "a", "banana")
    tale.over(20)
    assert tale.finds("L5") is Outcome.FAIL
    assert tale.what(tale.failure("L5")) == [ItemEnqueued, ItemReturned, ItemReturned]


def test_one_never_has_its_turn() -> None:
    tale = given_back(11)
    tale.over(20)
    assert tale.finds("L5") is Outcome.FAIL


def test_how_often_is_for_the_user_to_say() -> None:
    tale = given_back(11)
    tale.header = Tale(max_attempts=6).header
    tale.worked(13, "a", "banana")
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_one_still_waits() -> None:
    tale = given_back(3)
    tale.over(20)
    assert tale.finds("L5") is Outcome.UNKNOWN


def test_who_is_given_back_may_be_overtaken_too() -> None:
    """By what came after it, that is; not by what was there before."""
    tale = Tale(max_attempts=1)
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.returned(1.5, "a", "apple")
    for moment, item in ((2, "banana"), (4, "cherry"), (6, "apple")):
        tale.worked(moment, "a", item)
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_nobody_gives_anything_back() -> None:
    assert good_fine().finds("L5") is Outcome.UNKNOWN
