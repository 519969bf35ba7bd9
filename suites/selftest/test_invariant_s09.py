"""S9, truthful exit: exit code 0 says that the work is done, and it is."""

from __future__ import annotations

from histories import Tale, good_coarse, good_fine

from harness.history import ContainerSeen, ItemDelivered, ItemSettled
from harness.verdict import Outcome


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
