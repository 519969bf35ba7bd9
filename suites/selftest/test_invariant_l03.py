"""L3, termination: once all is well again, every item is settled and the Job ends, in time."""

from __future__ import annotations

from typing import Any

import pytest
from histories import Tale, good_coarse, good_fine

from harness.history import STOPPED, FaultInjected, Figures, ItemDelivered, ItemEnqueued, JobSeen
from harness.verdict import Outcome, Subject


def test_it_ends() -> None:
    assert good_fine().finds("L3") is Outcome.PASS
    assert good_coarse().finds("L3") is Outcome.PASS


def hangs(
    pattern: str = "fine", *, last: float = 80.0, settled: bool = False, **fields: Any
) -> Tale:
    """The Job is still there after 80 s; the bound is 60 s."""
    tale = Tale(pattern, **fields)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    if settled:
        tale.settled(2, "a", "apple")
    tale.job(3)
    tale.over(last)
    return tale


def test_it_hangs_with_an_item() -> None:
    tale = hangs()
    assert tale.what(tale.failure("L3")) == [ItemDelivered, JobSeen]
    assert tale.failure("L3").subject is Subject.WORKER


def test_it_never_exits() -> None:
    failure = hangs(settled=True).failure("L3")
    assert failure.subject is Subject.WORKER
    assert "every item is settled" in failure.reason


def test_the_history_is_too_short() -> None:
    assert hangs(last=59).finds("L3") is Outcome.UNKNOWN


def test_the_bound_is_reckoned_from_the_healing() -> None:
    tale = hangs(faults=("killed",))
    tale.events.pop()
    tale.harmed(30, "killed")
    tale.over(80)
    assert tale.finds("L3") is Outcome.UNKNOWN
    tale.over(91)
    assert tale.finds("L3") is Outcome.FAIL


def test_in_the_fault_free_run_the_bound_begins_anew_with_each_item() -> None:
    """Nobody knows yet how long its work takes."""
    tale = hangs(figures=Figures())
    assert tale.finds("L3") is Outcome.FAIL
    tale.events.pop()
    tale.settled(30, "a", "apple")
    tale.over(80)
    assert tale.finds("L3") is Outcome.UNKNOWN
    tale.over(91)
    assert tale.finds("L3") is Outcome.FAIL


def test_a_fault_that_was_not_healed() -> None:
    tale = hangs()
    tale.put(3, "harness", FaultInjected("frozen", "somebody"))
    assert tale.finds("L3") is Outcome.UNKNOWN


def test_it_ends_late() -> None:
    tale = hangs(settled=True)
    tale.job(85, "Complete")
    tale.over(90)
    assert tale.what(tale.failure("L3")) == [JobSeen]


def test_killed_between_settling_and_exit() -> None:
    """Coarse: one completion is missing for ever. The task page says so itself."""
    tale = Tale("coarse", completions=2)
    tale.sent("apple", "banana")
    for who, item in (("a", "apple"), ("b", "banana")):
        tale.came(1, who)
        tale.worked(1, who, item)
    tale.killed(3, "a")
    tale.exited(3, "b")
    tale.job(4, succeeded=1)
    tale.over(80)
    assert tale.failure("L3").subject is Subject.PATTERN


def test_pauses_between_attempts_that_fail_are_not_counted() -> None:
    """They grow, and a worker can do nothing about them."""
    tale = hangs(failing_item="apple", last=3)
    tale.events.pop()
    tale.returned(4, "a", "apple")
    tale.given(70, "a", "apple")
    tale.settled(71, "a", "apple", "dead")
    tale.over(100)
    assert tale.finds("L3") is Outcome.UNKNOWN
    tale.over(132)
    assert tale.finds("L3") is Outcome.FAIL


def test_told_to_stop_before_its_success_counts() -> None:
    """Of a pod that is about to be deleted the Job counts no success."""
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    tale.came(1, "a")
    tale.harmed(1, STOPPED, "a")
    tale.worked(1, "a", "apple")
    tale.exited(3, "a")
    tale.job(4)
    tale.over(80)
    assert tale.failure("L3").subject is Subject.PATTERN


@pytest.mark.parametrize(("late", "whose"), [(False, Subject.PATTERN), (True, Subject.WORKER)])
def test_its_pod_was_to_be_deleted_with_another(late: bool, whose: Subject) -> None:
    """A drained node loses all of its pods; whose end came before that has counted."""
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    if not late:
        tale.leaves(2, "a")
    tale.exited(3, "a")
    if late:
        tale.leaves(4, "a")
    tale.job(5)
    tale.over(80)
    assert tale.failure("L3").subject is whose


def test_more_completions_than_messages() -> None:
    tale = good_coarse(completions=3)
    tale.drop(JobSeen)
    tale.job(7, succeeded=2)
    tale.over(80)
    assert tale.failure("L3").subject is Subject.JOB


def test_fewer_completions_than_messages() -> None:
    tale = good_coarse()
    tale.put(0, "harness", ItemEnqueued("cherry", "queue"))
    failure = tale.failure("L3")
    assert failure.subject is Subject.JOB
    assert tale.what(failure) == [JobSeen, ItemEnqueued]


def test_complete_with_something_left_is_for_others_to_judge() -> None:
    tale = hangs()
    tale.events.pop()
    tale.job(40, "Complete")
    tale.over(60)
    assert tale.finds("L3") is Outcome.UNKNOWN


def test_an_item_that_nobody_can_work_on() -> None:
    """Nothing counts its attempts here: that is a limit of the pattern, or for L4 to judge."""
    coarse = hangs("coarse", failing_item="apple")
    assert coarse.failure("L3").subject is Subject.PATTERN
    assert hangs("fine", failing_item="apple").finds("L3") is Outcome.UNKNOWN
    coarse.events.pop()
    coarse.job(50, "Failed")
    coarse.over(60)
    assert coarse.finds("L3") is Outcome.PASS


def test_set_aside_is_settled() -> None:
    tale = hangs()
    tale.events.pop()
    tale.settled(4, "a", "apple", "dead")
    tale.job(5, "Complete")
    tale.over(60)
    assert tale.finds("L3") is Outcome.PASS


def test_nobody_saw_the_job() -> None:
    tale = hangs()
    tale.drop(JobSeen)
    assert tale.finds("L3") is Outcome.UNKNOWN
