"""S10, atomic emptiness: who left because all was done left when it was, at one instant."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from harness.checks.verdict import Outcome
from harness.history import ConnectionOpened, ContainerSeen, ItemDelivered, ItemEnqueued
from harness.suites.unit.dsl.history import Tale, good_fine


def two() -> Tale:
    """`a` has apple from 1 on; `b` is there, and has nothing."""
    tale = Tale("fine")
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    return tale


def over(tale: Tale) -> Tale:
    tale.over(12)
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


def test_its_exit_is_in_the_second_that_is_told() -> None:
    """`b` left in the second from 6 on: at 7 it was gone."""
    tale = two()
    tale.exited(6.5, "b")
    tale.settled(7, "a", "apple")
    tale.exited(9, "a")
    tale.over(12)
    assert tale.finds("S10") is Outcome.FAIL


def test_in_one_moment_nobody_can_say_what_was_first() -> None:
    tale = two()
    tale.settled(6, "a", "apple")
    tale.exited(6, "b")
    tale.exited(9, "a")
    tale.over(12)
    unclear = [one.reason for one in tale.judged("S10").findings if one.outcome != Outcome.PASS]
    assert unclear == ["worker 2 exited with 0 within a second of the end of the queue"]


def stays(
    *stays: tuple[str, float, float | None], seen: float, exited: float, **fields: Any
) -> Tale:
    """Items that are there from when until when (None: for good), without any attempt.

    `b` has none of them: it is there from the moment `seen` on, and exits with 0.
    """
    tale = Tale("fine", **fields)
    steps: list[tuple[float, Callable[[float], object]]] = [
        (seen, partial(tale.came, who="b")),
        (exited, partial(tale.exited, who="b")),
    ]
    for item, came, gone in stays:
        steps.append((came, partial(_put, tale, item)))
        if gone is not None:
            steps.append((gone, partial(tale.settled, who=None, item=item)))
    for moment, step in sorted(steps, key=lambda one: one[0]):
        step(moment)
    return tale


def _put(tale: Tale, item: str, moment: float) -> None:
    tale.put(moment, "tap", ItemEnqueued(item, "queue", at=moment))


#: There is nothing from 1 to 2, and from 6 to 7.
BITS = (("apple", 0.0, 1.0), ("banana", 2.0, 4.0), ("cherry", 3.0, 6.0), ("damson", 7.0, None))


@pytest.mark.parametrize(
    ("seen", "exited"),
    [
        pytest.param(0.5, 5.5, id="it was there before the first moment"),
        pytest.param(1.5, 5.5, id="it came in the first moment"),
        pytest.param(2.5, 9.0, id="it was there before the second moment"),
    ],
)
def test_a_moment_is_enough(seen: float, exited: float) -> None:
    assert over(stays(*BITS, seen=seen, exited=exited)).finds("S10") is Outcome.PASS


@pytest.mark.parametrize(
    ("seen", "exited", "there"),
    [
        pytest.param(2.5, 5.5, "cherry", id="one is there until another is"),
        pytest.param(7.5, 9.0, "damson", id="both moments were before it came"),
    ],
)
def test_each_moment_is_for_who_was_there(seen: float, exited: float, there: str) -> None:
    finding = over(stays(*BITS, seen=seen, exited=exited)).failure("S10")
    assert finding.reason.endswith(f": {there} was")


def test_the_moment_may_be_before_the_first_item() -> None:
    tale = stays(("apple", 2.0, None), seen=0.5, exited=5.0)
    assert over(tale).finds("S10") is Outcome.PASS


def test_what_is_put_there_with_the_end_of_another_leaves_no_moment() -> None:
    """As in one transaction."""
    tale = stays(("apple", 0.0, 3.0), ("banana", 3.0, None), seen=0.5, exited=5.0)
    assert over(tale).failure("S10").reason.endswith(": banana was")


def test_it_is_the_longest_that_counts() -> None:
    tale = stays(("apple", 0.0, 10.0), ("banana", 1.0, 2.0), seen=0.5, exited=5.0)
    assert over(tale).failure("S10").reason.endswith(": apple was")


def test_of_those_that_stay_the_first_is_shown() -> None:
    tale = stays(("apple", 0.0, None), ("banana", 0.0, None), seen=0.5, exited=5.0)
    assert over(tale).failure("S10").reason.endswith(": apple was")


def test_of_equal_ones_that_nobody_was_given_the_last_is_shown() -> None:
    copies = [("apple", moment, None) for moment in (0.0, 1.0)]
    tale = over(stays(*copies, seen=0.5, exited=5.0, unique_items=False))
    _, second = (one.id for one in tale.events if isinstance(one.what, ItemEnqueued))
    finding = tale.failure("S10")
    assert tale.what(finding) == [ConnectionOpened, ItemEnqueued, ContainerSeen]
    assert second in finding.evidence


def test_who_can_say_when_it_was_set_aside() -> None:
    """A broker that sets an item aside by itself does not say so: it may have been at once."""
    tale = stays(("apple", 0.0, None), seen=0.5, exited=5.0)
    tale.left(8, "apple", where="dead", queue="queue:dead")
    assert over(tale).finds("S10") is Outcome.PASS


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
    (found,) = tale.judged("S10").findings
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "no worker has exited with 0"
