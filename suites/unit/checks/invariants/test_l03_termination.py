"""L3, termination: once all is well again, every item is settled and the Job ends, in time."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.verdict import Outcome, Subject
from harness.history import (
    STOPPED,
    Bounds,
    ContainerSeen,
    FaultHealed,
    FaultInjected,
    Figures,
    ItemDelivered,
    ItemEnqueued,
    ItemLeft,
    ItemSettled,
    JobSeen,
    PodSeen,
    Raw,
)
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


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


def test_it_hangs_with_several_items() -> None:
    """The first is shown, with its last delivery."""
    tale = hangs()
    again = tale.given(25, "a", "apple")
    tale.put(26, "harness", ItemEnqueued("banana", "queue"))
    failure = tale.failure("L3")
    assert failure.reason == "the Job hangs with 2 items not settled, as apple"
    assert again in failure.evidence


def test_it_hangs_with_what_nobody_was_given() -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    seen = tale.job(3)
    tale.over(80)
    assert tale.failure("L3").evidence == (1, seen)


def test_it_never_exits() -> None:
    failure = hangs(settled=True).failure("L3")
    assert failure.subject is Subject.WORKER
    assert "every item is settled" in failure.reason


def test_the_history_is_too_short() -> None:
    (finding,) = hangs(last=20).judged("L3").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "the history ends 41.0 s before the Job had to end"
    assert hangs(last=60).finds("L3") is Outcome.UNKNOWN


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
    injected = tale.put(3, "harness", FaultInjected("frozen", "somebody"))
    tale.put(4, "harness", FaultInjected("cut", "somebody"))
    tale.put(5, "harness", FaultHealed("cut"))
    (finding,) = tale.judged("L3").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.evidence == (injected,)


def test_it_ends_late() -> None:
    tale = hangs(settled=True, faults=("killed",), last=3)
    tale.events.pop()
    tale.harmed(10, "killed")
    tale.job(85, "Complete")
    tale.over(90)
    failure = tale.failure("L3")
    assert tale.what(failure) == [JobSeen]
    assert failure.reason == "the Job ended 75.0 s after all was well; the bound is 60.0 s"


def test_it_ends_at_the_last_moment() -> None:
    tale = hangs(settled=True, last=3)
    tale.events.pop()
    tale.job(60, "Complete")
    tale.over(90)
    assert tale.finds("L3") is Outcome.PASS


def test_killed_between_settling_and_exit() -> None:
    """Coarse: one completion is missing for ever. The task page says so itself."""
    tale = Tale("coarse", completions=2)
    tale.sent("apple", "banana")
    for who, item in (("a", "apple"), ("b", "banana")):
        tale.came(1, who)
        tale.worked(1, who, item)
    tale.exited(3, "b")
    tale.killed(3, "a")
    tale.job(4, succeeded=1)
    tale.over(80)
    failure = tale.failure("L3")
    assert failure.subject is Subject.PATTERN
    assert failure.reason == (
        "the Job waits for one more completion: "
        "worker 1 ended between settling its message and its exit"
    )
    assert tale.what(failure) == [ItemSettled, ContainerSeen, JobSeen]


def shared(succeeded: int, *ends: str, completions: int = 3) -> Tale:
    """Three messages; `a` and so on settle one each, and are killed, exit or neither."""
    tale = Tale("coarse", completions=completions)
    items = ("apple", "banana", "cherry")
    tale.sent(*items)
    for who, item in zip("abc", items, strict=True):
        tale.came(1, who)
        tale.worked(1, who, item)
    for who, end in zip("abc", ends, strict=False):
        if end == "killed":
            tale.killed(3, who)
        elif end == "exited":
            tale.exited(3, who)
    tale.job(4, succeeded=succeeded)
    tale.over(80)
    return tale


def test_more_were_killed_than_completions_are_missing() -> None:
    """The success of one may have counted yet; the first is shown."""
    failure = shared(2, "killed", "killed", "exited").failure("L3")
    assert failure.subject is Subject.PATTERN
    assert ": worker 1 ended" in failure.reason


def test_one_was_killed_and_one_never_exits() -> None:
    """Two completions are missing, and for one of them nobody but the worker is to blame."""
    failure = shared(1, "killed", "exited").failure("L3")
    assert failure.subject is Subject.WORKER
    assert failure.reason == "every item is settled, and the Job hangs"


def test_who_has_settled_nothing_has_wasted_nothing() -> None:
    tale = shared(2, "exited", "exited")
    tale.came(5, "d")
    tale.exited(6, "d", 1)
    assert tale.failure("L3").subject is Subject.WORKER


def test_fewer_completions_than_messages_and_one_is_missing() -> None:
    failure = shared(1, "killed", "exited", completions=2).failure("L3")
    assert failure.subject is Subject.PATTERN


@pytest.mark.parametrize(("pattern", "completions"), [("fine", 3), ("coarse", None)])
def test_a_job_that_does_not_count_messages(pattern: str, completions: int | None) -> None:
    failure = hangs(pattern, settled=True, completions=completions).failure("L3")
    assert failure.subject is Subject.WORKER


def test_set_aside_by_the_broker() -> None:
    """It was tried too often: no worker can make it a completion."""
    tale = hangs("coarse", completions=1)
    tale.returned(5, "a", "apple")
    tale.left(79, "apple", where="dead", queue="dead letters")
    failure = tale.failure("L3")
    assert failure.subject is Subject.PATTERN
    assert failure.reason == (
        "the Job waits for one more completion: the broker has set apple aside"
    )
    assert tale.what(failure) == [JobSeen, ItemLeft]


def test_two_of_three_equal_ones_set_aside_by_the_broker() -> None:
    tale = Tale("coarse", completions=3)
    tale.sent("apple", "apple", "apple")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.exited(3, "a")
    tale.job(4, succeeded=1)
    tale.left(79, "apple", "apple", where="dead", queue="dead letters")
    tale.over(80)
    assert tale.failure("L3").subject is Subject.PATTERN


def test_settled_twice_is_not_set_aside() -> None:
    tale = hangs("coarse", settled=True, completions=1)
    tale.settled(4, "a", "apple")
    assert tale.failure("L3").subject is Subject.WORKER


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
    failure = tale.failure("L3")
    assert failure.subject is Subject.PATTERN
    assert "worker 1 was told to stop before its success could count" in failure.reason


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
    first = tale.put(0, "harness", ItemEnqueued("cherry", "queue"))
    for item in ("cherry", "date"):
        tale.put(0, "harness", ItemEnqueued(item, "queue"))
    failure = tale.failure("L3")
    assert failure.subject is Subject.JOB
    assert tale.what(failure) == [JobSeen, ItemEnqueued]
    assert first in failure.evidence


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
    fine = hangs("fine", failing_item="apple").judged("L3").findings
    assert [one.outcome for one in fine] == [Outcome.UNKNOWN]
    assert fine[0].reason == "the Job waits for apple, which cannot be worked on"
    coarse.events.pop()
    coarse.job(50, "Failed")
    coarse.over(60)
    assert coarse.finds("L3") is Outcome.PASS


def test_equal_items_that_nobody_can_work_on() -> None:
    """What cannot be worked on is known by its bytes, and the first of them is shown."""
    tale = Tale("coarse", failing_item=Raw(b"\xff"))
    tale.sent(Raw(b"\xff"), Raw(b"\xff"))
    seen = tale.job(3)
    tale.over(80)
    failure = tale.failure("L3")
    assert failure.subject is Subject.PATTERN
    assert failure.evidence == (1, seen)
    tale.events.pop()
    tale.job(50, "Complete")
    tale.over(80)
    assert tale.finds("L3") is Outcome.PASS


@pytest.mark.parametrize(
    ("end", "failing", "outcome"),
    [
        ("Failed", "apple", Outcome.PASS),
        ("Failed", None, Outcome.UNKNOWN),
        ("Complete", "apple", Outcome.UNKNOWN),
    ],
)
def test_it_fails_for_an_item_with_others_left(
    end: str, failing: str | None, outcome: Outcome
) -> None:
    """That is its right only where there is an item that nobody can work on."""
    tale = Tale("coarse", failing_item=failing)
    tale.sent("apple", "banana")
    tale.job(40, end)
    tale.over(60)
    (finding,) = tale.judged("L3").findings
    assert finding.outcome is outcome
    assert ("it failed for the item" in finding.reason) is (outcome is Outcome.PASS)


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


OWN = Bounds(reclaim=45, progress=5, end=60, pickup=25, lease=120)


def test_given_and_lost_again_and_again_is_no_progress() -> None:
    """A livelock: every 10 s another run of its container has the item, and crashes."""
    tale = Tale("fine", figures=Figures(), bounds=OWN)
    tale.sent("apple")
    for moment in range(1, 100, 10):
        tale.came(moment, "a")
        tale.given(moment, "a", "apple", until=moment + 6.0)
        tale.exited(moment + 2, "a", 1)
    tale.job(99)
    tale.over(100)
    assert tale.finds("L3") is Outcome.FAIL


def test_a_first_delivery_and_a_settlement_are_progress() -> None:
    tale = Tale("fine", bounds=OWN)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(50, "a", "apple")
    tale.settled(100, "a", "apple")
    tale.given(150, "a", "banana")
    tale.job(151)
    tale.over(205)
    assert tale.finds("L3") is Outcome.UNKNOWN
    tale.settled(206, "a", "banana")
    tale.job(207, "Complete")
    tale.over(208)
    assert tale.finds("L3") is Outcome.PASS


def test_progress_later_does_not_make_good_a_long_time_without() -> None:
    tale = Tale("fine", bounds=OWN)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(90, "a", "apple")
    tale.job(91, "Complete")
    tale.over(95)
    assert tale.failure("L3").reason == "for 89.0 s the Job made no progress; the bound is 60.0 s"


def renews(last: float, *, done: bool = False, stops: float = 1e9) -> Tale:
    """The lease is 6 s, and is renewed every 2 s; the longest known work is 1 s."""
    tale = Tale("fine", bounds=OWN)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", until=7.0)
    tale.job(1)
    for moment in range(3, int(min(last, stops)), 2):
        tale.leased(moment, "a", "apple", moment + 6.0)
    if done:
        tale.settled(last - 1, "a", "apple")
        tale.job(last, "Complete")
    else:
        tale.held(last, "a")  # as everybody is at the end of a run
    tale.over(last)
    return tale


def test_who_renews_its_lease_is_at_work() -> None:
    assert renews(100, done=True).finds("L3") is Outcome.PASS
    for last in (80, 119, 300):
        assert renews(last).finds("L3") is Outcome.UNKNOWN
    (finding,) = renews(300).judged("L3").findings
    assert finding.reason == (
        "worker 1 has had apple for 299 s and still renews its lease: it is at work, or hangs; "
        "the longest known work on an item is 1.0 s. A longer bound tells: --timeout-factor N"
    )


def test_who_renewed_its_lease_for_a_while_is_not() -> None:
    """It ended at 48, and 25 s later, and 15 s for the rest, another could have had the item."""
    assert renews(70, stops=43).finds("L3") is Outcome.UNKNOWN
    assert renews(95, stops=43).finds("L3") is Outcome.FAIL


@pytest.mark.parametrize(
    ("until", "last", "outcome"),
    [
        (4000.0, 90, Outcome.FAIL),
        (400.0, 90, Outcome.UNKNOWN),
        (100.0, 120, Outcome.UNKNOWN),
        (100.0, 150, Outcome.FAIL),
    ],
)
def test_it_waits_for_the_lease_of_a_lost_worker(
    until: float, last: float, outcome: Outcome
) -> None:
    tale = Tale("fine", bounds=OWN)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", until=until)
    tale.killed(2, "a")
    tale.job(3)
    tale.over(last)
    assert tale.finds("L3") is outcome
    if until > 120:
        (finding,) = tale.judged("L3").findings
        assert "the Job waits for apple: its worker is gone, and its lease lasts" in finding.reason


def test_a_pod_without_a_place_says_nothing_of_the_worker() -> None:
    tale = hangs(last=3, bounds=OWN)
    tale.events.pop()
    tale.killed(4, "a")
    tale.put(5, "pods", PodSeen("added", "uid-b", "pod-b", "Pending", 999))
    tale.over(300)
    (finding,) = tale.judged("L3").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert "pod pod-b was not started for 295 s" in finding.reason


def test_the_time_until_a_pod_has_a_place_is_not_counted() -> None:
    tale = hangs(last=3, bounds=OWN)
    tale.events.pop()
    tale.killed(4, "a")
    tale.put(5, "pods", PodSeen("added", "uid-b", "pod-b", "Pending", 999))
    tale._runs["b"] = -1
    tale.came(50, "b")
    tale.given(80, "b", "apple")
    tale.settled(81, "b", "apple")
    tale.job(82, "Complete")
    tale.over(90)
    assert tale.finds("L3") is Outcome.PASS


# -- whose fault: the Job's manifest, or the worker -------------------------------------------


def ended(reason: str, *, own_job: bool = True, **fields: Any) -> Tale:
    """Two items; `a` has done one, and the Job fails after 40 s with the other undone."""
    tale = Tale("fine", own_job=own_job, **fields)
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.given(3, "a", "banana")
    if reason:
        tale.job_is(40, "Failed", reason, "in the words of the controller")
        tale.over(60)
    return tale


def test_a_deadline_of_the_users_own_job() -> None:
    failure = ended("DeadlineExceeded").failure("L3")
    assert failure.subject is Subject.JOB
    assert "spec.activeDeadlineSeconds" in failure.reason
    assert "in the words of the controller" in failure.reason


def test_the_task_pages_job_is_blamed_for_nothing() -> None:
    assert ended("DeadlineExceeded", own_job=False).finds("L3") is Outcome.UNKNOWN


def test_a_reason_that_nobody_knows() -> None:
    assert ended("SomethingNew").finds("L3") is Outcome.UNKNOWN


def backed_off(*, harmed: bool, code: int = 1, reason: str = "BackoffLimitExceeded") -> Tale:
    tale = ended("", faults=("killed",) if harmed else ())
    if harmed:
        tale.harmed(4, "killed", "a")
    tale.exited(5, "a", code)
    tale.job_is(6, "Failed", reason, "too often")
    return tale


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "PodFailurePolicy", "FailedIndexes"])
def test_a_job_that_gives_up_for_the_harness_own_harm(reason: str) -> None:
    tale = backed_off(harmed=True, code=137, reason=reason)
    tale.over(60)
    failure = tale.failure("L3")
    assert failure.subject is Subject.JOB
    assert "by the faults of this run alone; change spec." in failure.reason


def test_a_worker_does_not_hide_behind_the_harness_harm() -> None:
    """One was killed, another ended by itself with all that it had done."""
    tale = backed_off(harmed=True, code=137)
    tale.events.pop()
    tale.came(7, "b")
    tale.worked(8, "b", "banana")
    tale.exited(10, "b", 1)
    tale.job_is(11, "Failed", "BackoffLimitExceeded", "too often")
    tale.over(60)
    failure = tale.failure("L3")
    assert failure.subject is Subject.WORKER
    assert "worker 2 had settled all that it was given, and exited with 1" in failure.reason


def test_workers_that_fail_with_healthy_items() -> None:
    tale = ended("")
    tale.exited(5, "a", 1)
    tale.came(6, "b")
    tale.given(7, "b", "cherry")
    tale.exited(8, "b", 1)
    tale.job_is(9, "Failed", "BackoffLimitExceeded", "too often")
    tale.over(60)
    failure = tale.failure("L3")
    assert failure.subject is Subject.WORKER
    assert "failed by themselves with 2 items" in failure.reason


def test_one_item_on_which_all_fail_may_be_a_bad_one() -> None:
    tale = backed_off(harmed=False)
    tale.over(60)
    (finding,) = tale.judged("L3").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert "the work on banana fails" in finding.reason
    assert "--failing-item" in finding.reason


def test_workers_that_were_given_nothing_accuse_nobody() -> None:
    tale = Tale("fine", own_job=True)
    tale.sent("apple")
    tale.came(1, "a", connected=False)
    tale.exited(2, "a", 1)
    tale.job_is(9, "Failed", "BackoffLimitExceeded", "too often")
    tale.over(60)
    (finding,) = tale.judged("L3").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert "--env or --manifests" in finding.reason


def test_too_little_memory_is_the_jobs() -> None:
    tale = ended("")
    what = ContainerSeen(tale.worker("a"), "terminated", 900, reason="OOMKilled", exit_code=137)
    tale.put(5, "pods", what)
    tale.job_is(6, "Failed", "BackoffLimitExceeded", "too often")
    tale.over(60)
    failure = tale.failure("L3")
    assert failure.subject is Subject.JOB
    assert "resources.limits.memory" in failure.reason


def beside(*, own_job: bool = True, code: int = 0, last: float = 100.0) -> Tale:
    """The worker has come to its end, and a container beside it has not."""
    tale = hangs(own_job=own_job, last=3, settled=True)
    tale.events.pop()
    tale.other(3, "a", "proxy", "running")
    tale.exited(4, "a", code)
    tale.job(5)
    tale.over(last)
    return tale


def test_a_container_beside_the_worker_never_ends() -> None:
    failure = beside().failure("L3")
    assert failure.subject is Subject.JOB
    assert "container 'proxy' of pod pod-a still runs" in failure.reason
    assert "restartPolicy: Always" in failure.reason
    j1 = beside().failure("J1")
    assert j1.subject is Subject.JOB
    assert "'proxy'" in j1.reason


def test_items_are_left_because_no_pod_makes_room() -> None:
    """Coarse: each pod takes one message, and with a side-car none ever ends."""
    tale = Tale("coarse", completions=2, own_job=True)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.other(2, "a", "proxy", "running")
    tale.exited(4, "a")
    tale.job(5)
    tale.over(80)
    assert tale.failure("L3").subject is Subject.JOB


def test_a_worker_that_hangs_is_not_excused_by_what_is_beside_it() -> None:
    tale = hangs(own_job=True, last=3, settled=True)
    tale.events.pop()
    tale.other(3, "a", "proxy", "running")
    tale.over(100)
    assert tale.failure("L3").subject is Subject.WORKER


def test_a_side_car_that_ends_with_the_pod_is_no_excuse() -> None:
    tale = hangs(own_job=True, last=3, settled=True)
    tale.events.pop()
    tale.other(3, "a", "proxy", "running", kind="sidecar")
    tale.exited(4, "a", 1)
    tale.job(5)
    tale.over(100)
    assert tale.failure("L3").subject is Subject.WORKER


def test_a_replacement_finds_no_node() -> None:
    tale = hangs(own_job=True, last=3)
    tale.events.pop()
    tale.exited(4, "a", 1)
    tale.waits(5, "b", "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.")
    tale.job(6)
    tale.over(100)
    failure = tale.failure("L3")
    assert failure.subject is Subject.JOB
    assert "resources.requests" in failure.reason


def test_all_have_exited_with_0_and_the_job_waits_for_completions() -> None:
    tale = hangs(own_job=True, last=3, settled=True, completions=3)
    tale.events.pop()
    tale.exited(4, "a")
    tale.job(5, succeeded=1)
    tale.over(100)
    failure = tale.failure("L3")
    assert failure.subject is Subject.JOB
    assert "1 of 3 completions" in failure.reason


@pytest.mark.parametrize("phase", ["Running", "Succeeded"])
@pytest.mark.parametrize(("counted", "outcome"), [(0, Outcome.UNKNOWN), (1, Outcome.FAIL)])
def test_the_cluster_has_not_counted_a_success(phase: str, counted: int, outcome: Outcome) -> None:
    """Where it is slow nobody hangs; where it has counted all, somebody does."""
    tale = Tale("fine")
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple")
    tale.exited(3, "a")
    tale.put(4, "pods", PodSeen("modified", "uid-a", "pod-a", phase, 999))
    tale.job(5, succeeded=counted)
    tale.over(80)
    (finding,) = tale.judged("L3").findings
    assert finding.outcome is outcome
    assert ("the cluster is slow" in finding.reason) is (counted == 0)
