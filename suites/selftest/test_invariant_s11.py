"""S11, failure is visible: as an exit code, or as an item in a dead-letter place."""

from __future__ import annotations

from typing import Any

from histories import Tale, good_coarse

from harness.history import ContainerSeen, ItemDelivered, ItemSettled, Raw
from harness.verdict import Outcome


def attempted(pattern: str, code: int | None, **fields: Any) -> Tale:
    """A worker is given the failing item, settles nothing, and ends so."""
    tale = Tale(pattern, **{"failing_item": "apple", **fields})
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.began(1.1, "a", "apple")
    if code is not None:
        tale.exited(3, "a", code)
    tale.over(20)
    return tale


def test_it_exits_with_a_failure() -> None:
    for pattern in ("coarse", "fine"):
        assert attempted(pattern, 1).finds("S11") is Outcome.PASS


def test_it_exits_with_success() -> None:
    for pattern in ("coarse", "fine"):
        tale = attempted(pattern, 0)
        kinds = tale.what(tale.failure("S11"))
        assert kinds[0] is ItemDelivered
        assert kinds[-1] is ContainerSeen


def test_nobody_has_to_say_which_item_fails() -> None:
    """A message that went back unsettled, and success: the script around it has crashed."""
    assert attempted("coarse", 0, failing_item=None).finds("S11") is Outcome.FAIL
    assert attempted("coarse", 1, failing_item=None).finds("S11") is Outcome.PASS


def test_given_back_and_success() -> None:
    tale = attempted("coarse", None, failing_item=None)
    tale.returned(2, "a", "apple")
    tale.exited(3, "a", 0)
    assert tale.finds("S11") is Outcome.FAIL


def test_set_aside() -> None:
    tale = attempted("fine", None)
    tale.settled(2, "a", "apple", "dead")
    assert tale.finds("S11") is Outcome.PASS


def test_set_aside_by_the_broker() -> None:
    tale = attempted("coarse", None)
    tale.settled(2, "a", "apple", "refused", effective=None)
    tale.exited(3, "a", 0)
    assert tale.finds("S11") is Outcome.FAIL
    tale.left(5, "apple", where="dead", queue="dead letters")
    assert tale.finds("S11") is Outcome.PASS


def swallowed(**fields: Any) -> Tale:
    tale = attempted("fine", None, **fields)
    tale.settled(2, "a", "apple")
    tale.exited(3, "a", 0)
    return tale


def test_swallowed() -> None:
    tale = swallowed(failing_known=True)
    assert tale.what(tale.failure("S11")) == [ItemDelivered, ItemSettled, ContainerSeen]


def test_digested() -> None:
    """Nobody has said that this item makes the handler fail, and it did not."""
    assert swallowed().finds("S11") is Outcome.UNKNOWN
    assert swallowed(failing_item=Raw(b"\xff")).finds("S11") is Outcome.UNKNOWN


def test_nobody_saw_what_it_did_after_it_had_settled() -> None:
    """It may yet exit with a failure; who takes another item does not."""
    tale = attempted("fine", None, failing_known=True)
    tale.settled(2, "a", "apple")
    assert tale.finds("S11") is Outcome.UNKNOWN
    tale.asked(3, "a")
    assert tale.finds("S11") is Outcome.FAIL


def test_no_work_failed() -> None:
    (finding,) = good_coarse().judged("S11").findings
    assert finding.reason == "no work failed in this run"
    assert finding.outcome is Outcome.UNKNOWN


def test_it_is_still_being_tried() -> None:
    assert attempted("fine", None).finds("S11") is Outcome.UNKNOWN


def test_one_attempt_was_seen_to_fail_the_next_goes_on() -> None:
    tale = attempted("coarse", 1)
    tale.came(10, "b")
    tale.given(10, "b", "apple", redelivered=True)
    assert tale.finds("S11") is Outcome.PASS


def test_a_worker_that_was_killed_did_not_fail() -> None:
    assert attempted("coarse", 137, failing_item=None).finds("S11") is Outcome.UNKNOWN
    tale = attempted("coarse", None)
    tale.harmed(2, "a fault", "a")
    tale.killed(3, "a")
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_what_was_only_in_stock_has_not_failed() -> None:
    tale = attempted("coarse", None, failing_item=None)
    tale.given(1, "a", "banana")
    tale.settled(2, "a", "apple")
    tale.exited(3, "a", 0)
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_the_failing_item_was_only_in_stock_at_a_success() -> None:
    """As amqp-consume gets one more message between its acknowledgement and its end."""
    tale = Tale("coarse", failing_item="apple", failing_known=True)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(1, "a", "banana")
    tale.given(2.1, "a", "apple")
    tale.exited(3, "a")
    tale.over(20)
    assert tale.finds("S11") is Outcome.UNKNOWN
    tale = Tale("coarse", failing_item="apple", failing_known=True)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(1, "a", "banana")
    tale.given(2.1, "a", "apple")
    tale.began(2.2, "a", "apple")
    tale.exited(3, "a")
    tale.over(20)
    assert tale.finds("S11") is Outcome.FAIL
