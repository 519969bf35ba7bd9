"""S10, atomic emptiness: who left because all was done left when it was, at one instant."""

from __future__ import annotations

from histories import Tale, good_fine

from harness.history import ConnectionOpened, ContainerSeen, ItemDelivered, ItemEnqueued
from harness.verdict import Outcome


def two() -> Tale:
    """`a` has apple from 1 on; `b` is there, and has nothing."""
    tale = Tale("fine")
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    return tale


def test_all_left_when_nothing_was_there() -> None:
    assert good_fine().finds("S10") is Outcome.PASS


def test_one_left_while_another_had_an_item() -> None:
    tale = two()
    tale.exited(3, "b")
    tale.settled(7, "a", "apple")
    tale.exited(9, "a")
    tale.over(12)
    found = tale.failure("S10")
    assert tale.what(found) == [ConnectionOpened, ItemDelivered, ContainerSeen]


def test_within_the_second_nobody_can_say() -> None:
    tale = two()
    tale.exited(6.5, "b")
    tale.settled(6.8, "a", "apple")
    tale.exited(9, "a")
    tale.over(12)
    assert tale.finds("S10") is Outcome.UNKNOWN


def test_what_came_after_the_look_is_no_fault() -> None:
    """There was a moment without anything; that another item came before the exit is not its."""
    tale = two()
    tale.settled(3, "a", "apple")
    tale.put(3.5, "tap", ItemEnqueued("banana", "queue"))
    tale.exited(4, "b")
    tale.worked(5, "a", "banana")
    tale.exited(9, "a")
    tale.over(12)
    assert tale.finds("S10") is Outcome.PASS


def test_the_moment_has_to_be_after_its_last_item() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.worked(1, "b", "apple")
    tale.put(2.0, "tap", ItemEnqueued("banana", "queue"))
    tale.exited(5, "b")
    tale.over(12)
    assert tale.finds("S10") is Outcome.FAIL


def test_nobody_left_with_success() -> None:
    tale = two()
    tale.killed(3, "b")
    tale.over(12)
    assert tale.finds("S10") is Outcome.UNKNOWN
