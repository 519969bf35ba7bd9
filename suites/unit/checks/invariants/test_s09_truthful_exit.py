"""S9, truthful exit: exit code 0 says that the work is done, and it is."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Outcome
from harness.history import ContainerSeen, ItemDelivered, ItemEnqueued, ItemSettled
from harness.suites.unit.dsl.history import QUEUE, Tale, good_coarse, good_fine


def leaves(left: float, *, settled: float | None, code: int = 0) -> Tale:
    """Worker `a` leaves while `b` has an item, that is settled at some time, or never."""
    tale = Tale("fine")
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.worked(1, "a", "apple")
    tale.given(1, "b", "banana")
    if settled is None or settled > left:
        tale.exited(left, "a", code)
        if settled is not None:
            tale.settled(settled, "b", "banana")
    else:
        tale.settled(settled, "b", "banana")
        tale.exited(left, "a", code)
    tale.over(30)
    return tale


def test_everything_was_settled() -> None:
    assert good_fine().finds("S9") is Outcome.PASS
    assert leaves(5.5, settled=5.4).finds("S9") is Outcome.PASS


def test_left_while_another_had_a_lease() -> None:
    tale = leaves(5.5, settled=9)
    assert tale.what(tale.failure("S9")) == [ItemDelivered, ContainerSeen, ItemSettled]


def test_left_what_was_never_settled() -> None:
    assert leaves(5.5, settled=None).finds("S9") is Outcome.FAIL


def test_the_exit_is_known_to_the_second_only() -> None:
    """It hung up at 5.1, and ended at some time until 6."""
    assert leaves(5.1, settled=5.9).finds("S9") is Outcome.UNKNOWN
    assert leaves(5.1, settled=6.1).finds("S9") is Outcome.FAIL


def test_a_failure_may_leave_anything() -> None:
    (finding,) = leaves(5.5, settled=None, code=1).judged("S9").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "no worker has exited with 0"


def test_what_comes_later_is_not_meant() -> None:
    tale = leaves(5.5, settled=5)
    tale.put(20, "tap", tale.events[0].what)
    assert tale.finds("S9") is Outcome.PASS


def test_set_aside_is_settled() -> None:
    tale = leaves(5.5, settled=None)
    tale.events.pop()
    tale.left(20, "banana", where="dead")
    tale.over(30)
    assert tale.finds("S9") is Outcome.PASS


def test_coarse_one_message_each() -> None:
    assert good_coarse().finds("S9") is Outcome.PASS


def coarse(*items: str, settle: int) -> Tale:
    tale = Tale("coarse", completions=2)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    for item in items:
        tale.given(1, "a", item)
    for item in items[:settle]:
        tale.settled(2, "a", item, effective=None)
    tale.exited(3, "a")
    tale.over(20)
    return tale


def test_coarse_none_or_two() -> None:
    assert coarse("apple", settle=1).finds("S9") is Outcome.PASS
    assert coarse("apple", settle=0).finds("S9") is Outcome.FAIL
    assert coarse(settle=0).finds("S9") is Outcome.FAIL
    assert coarse("apple", "banana", settle=2).finds("S9") is Outcome.FAIL


def test_coarse_not_known_whose() -> None:
    tale = coarse(settle=0)
    tale.came(4, "b", owned=False)
    tale.given(5, "b", "apple")
    assert tale.finds("S9") is Outcome.UNKNOWN


def test_coarse_an_acknowledgement_that_did_not_arrive() -> None:
    tale = coarse("apple", settle=1)
    tale.came(4, "b")
    tale.given(5, "b", "apple", redelivered=True)
    assert tale.finds("S9") is Outcome.FAIL


def stays(*times: tuple[float, float], left: float = 5.5) -> Tale:
    """Items that come and are settled at these moments; `a` leaves, and had the first of all."""
    tale = Tale("fine")
    for who in "ab":
        tale.came(0, who)
    moments = [(came, 0, number) for number, (came, _) in enumerate(times)]
    moments += [(gone, 1, number) for number, (_, gone) in enumerate(times)]
    for moment, what, number in sorted([*moments, (left, 2, 0)]):
        item = f"item-{number}"
        if what == 2:
            tale.exited(left, "a")
        elif what == 1:
            tale.settled(moment, "b", item)
        else:
            tale.put(moment, "tap", ItemEnqueued(item, QUEUE))
            tale.given(moment + 0.1, "b", item)
    tale.over(40)
    return tale


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([(20, 25), (21, 27), (22, 28), (0, 30)], "item-3"),
        ([(20, 25), (21, 27), (0, 30)], "item-2"),
        ([(0, 25), (20, 30)], "item-0"),
        ([(0, 9), (0, 12)], "item-0"),
        ([(0, 1), (20, 25), (0, 30)], "item-2"),
    ],
)
def test_of_all_that_was_there_one_is_enough(times: list[tuple[float, float]], found: str) -> None:
    """Whatever has come or gone since, in whatever order."""
    assert found in stays(*times).failure("S9").reason


@pytest.mark.parametrize(
    ("came", "outcome"), [(5.4, Outcome.FAIL), (5.5, Outcome.UNKNOWN), (6.0, Outcome.PASS)]
)
def test_what_comes_while_it_leaves(came: float, outcome: Outcome) -> None:
    """It has hung up at 5.5, and ended at some time until 6."""
    assert stays((0, 1), (came, 30)).finds("S9") is outcome


def test_who_had_it_then_and_what_became_of_it_is_shown() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    for who in "abc":
        tale.came(1, who)
    tale.given(1, "b", "apple")
    tale.reclaimed(2, "c", "apple")
    holder = tale.given(2, "c", "apple")
    left = tale.exited(5.5, "a")
    tale.reclaimed(6, "b", "apple")
    tale.given(6, "b", "apple")
    settled = tale.settled(9, "b", "apple")
    tale.over(30)
    assert tale.failure("S9").evidence == (holder, left, settled)


def test_where_it_was_left_is_shown_once() -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    tale.came(1, "a")
    left = tale.exited(5.5, "a")
    tale.left(9, "apple", "apple")
    tale.over(30)
    first = tale.judged("S9").findings[0]
    assert first.evidence == (1, left, left + 1)


def test_of_equal_items_each_has_an_end_of_its_own() -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    for who in "ab":
        tale.came(1, who)
    tale.worked(1, "a", "apple")
    tale.exited(5.5, "a")
    tale.worked(7, "b", "apple")
    tale.over(30)
    failure = tale.failure("S9")
    assert tale.what(failure) == [ItemDelivered, ContainerSeen, ItemSettled]
    assert failure.evidence[-1] == tale.events[-2].id


@pytest.mark.parametrize(("last", "outcome"), [(0, Outcome.FAIL), (20, Outcome.PASS)])
def test_what_was_set_aside_without_a_word_was_the_first(last: float, outcome: Outcome) -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    if last == 0:
        tale.sent("apple")
    tale.came(1, "a")
    tale.exited(5.5, "a")
    if last:
        tale.put(last, "tap", ItemEnqueued("apple", QUEUE))
    tale.left(29, "apple", "apple", where="dead", queue="dead")
    tale.left(29, "apple")
    tale.over(30)
    assert tale.finds("S9") is outcome


def test_what_was_set_aside_without_a_word_does_not_stand_for_the_rest() -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    tale.came(1, "a")
    tale.exited(5.5, "a")
    tale.left(29, "apple", where="dead", queue="dead")
    tale.left(29, "apple")
    tale.over(30)
    assert tale.finds("S9") is Outcome.FAIL


def test_settled_twice_is_settled() -> None:
    tale = leaves(5.5, settled=5)
    tale.events.pop()
    tale.settled(7, None, "banana")
    tale.over(30)
    assert tale.finds("S9") is Outcome.PASS


def test_how_many_have_left_rightly_is_told() -> None:
    (finding,) = good_fine().judged("S9").findings
    assert finding.reason == "2 exits with 0, each when all items were settled"
    (finding,) = good_coarse().judged("S9").findings
    assert finding.reason == "2 exits with 0, each after exactly one settled message"
    assert len(leaves(5.5, settled=9).judged("S9").findings) == 1
    assert len(coarse(settle=0).judged("S9").findings) == 1


def test_coarse_what_it_had_and_did_not_settle_is_shown_once() -> None:
    tale = coarse("apple", "banana", settle=0)
    assert tale.what(tale.failure("S9")) == [ItemDelivered, ContainerSeen]
    tale = coarse("apple", "banana", settle=2)
    assert tale.what(tale.failure("S9")) == [ItemSettled, ItemSettled, ContainerSeen]


def test_coarse_two_are_too_many_whoever_else_there_is() -> None:
    tale = coarse("apple", "banana", settle=2)
    tale.came(4, "b", owned=False)
    tale.put(5, "harness", ItemEnqueued("cherry", QUEUE))
    tale.given(5, "b", "cherry")
    assert tale.finds("S9") is Outcome.FAIL


@pytest.mark.parametrize(
    ("times", "outcome"),
    [
        ([(0, 5.7), (5.6, 6.2)], Outcome.FAIL),
        ([(0, 5.7), (5.6, 5.9), (5.8, 9)], Outcome.FAIL),
        ([(0, 5.7), (5.8, 9)], Outcome.UNKNOWN),
        ([(0, 5.7), (5.6, 5.9)], Outcome.UNKNOWN),
        ([(0, 5.4), (5.3, 5.45), (6.1, 9)], Outcome.PASS),
    ],
)
def test_one_after_the_other_was_there(times: list[tuple[float, float]], outcome: Outcome) -> None:
    """It hung up at 5.5, and ended at some time until 6: all that time something was there."""
    assert stays(*times).finds("S9") is outcome


def test_the_last_of_those_that_were_there_by_turns_is_shown() -> None:
    failure = stays((0, 5.7), (5.6, 6.2)).failure("S9")
    assert "item-1 at the last" in failure.reason


def tempted(waits: float) -> Tale:
    """`b` has nothing to do for so long, while `a` has one item after the other."""
    tale = Tale("fine")
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.worked(1, "a", "apple", waits / 2)
    tale.worked(1 + waits / 2, "a", "banana", waits / 2)
    tale.exited(1 + waits, "a")
    tale.exited(waits + 9, "b")
    tale.over(60)
    return tale


def test_for_how_long_it_was_tempted_is_told() -> None:
    """What came after all was done is no temptation."""
    (finding,) = tempted(20).judged("S9").findings
    assert finding.reason.endswith("; none left in 20 s without work, 2 items a worker at most")
    (finding,) = tempted(4).judged("S9").findings
    assert finding.reason.endswith("each when all items were settled")


def test_for_how_long_a_coarse_one_was_tempted_is_told() -> None:
    tale = Tale("coarse", completions=2)
    tale.sent("apple")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.given(13, "a", "apple")
    tale.settled(14, "a", "apple", effective=None)
    tale.exited(15, "a")
    tale.over(60)
    (finding,) = tale.judged("S9").findings
    assert finding.reason.endswith("; none left in 12 s without work, 1 item a worker at most")
