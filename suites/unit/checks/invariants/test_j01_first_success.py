"""J1: after the first success no new pod comes; the Job is Complete when the rest have ended."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Outcome, Subject
from harness.history import ContainerSeen, JobSeen, PodSeen, Worker
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


def succeeded(completions: int | None = None) -> Tale:
    """`a` has succeeded at 5, `b` is still at work."""
    tale = Tale("fine", completions=completions)
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.worked(1, "a", "apple")
    tale.exited(5, "a")
    tale.job(5.5, succeeded=1)
    return tale


def test_no_new_pod_and_complete() -> None:
    assert good_fine().finds("J1") is Outcome.PASS


def test_complete_also_when_the_rest_was_killed() -> None:
    tale = succeeded()
    tale.killed(7, "b")
    tale.job(8, "Complete")
    tale.over(9)
    assert tale.finds("J1") is Outcome.PASS


@pytest.mark.parametrize(
    ("added", "completions", "outcome"),
    [
        pytest.param(7.0, None, Outcome.FAIL, id="later"),
        pytest.param(11.0, None, Outcome.FAIL, id="much later"),
        pytest.param(5.2, None, Outcome.UNKNOWN, id="in the same second"),
        pytest.param(6.0, None, Outcome.UNKNOWN, id="a second later"),
        pytest.param(5.2, 4, Outcome.FAIL, id="at once, for completions are set"),
    ],
)
def test_a_new_pod(added: float, completions: int | None, outcome: Outcome) -> None:
    tale = succeeded(completions)
    tale.came(added, "c")
    tale.over(9)
    assert tale.finds("J1") is outcome


def test_why_a_new_pod_may_have_been_on_its_way() -> None:
    tale = succeeded()
    tale.came(5.2, "c")
    tale.over(9)
    (finding,) = tale.judged("J1").findings
    assert finding.reason == (
        "pod pod-c was added after worker 1 had succeeded, so soon that it may have been on its way"
    )


def test_a_failure_before_the_first_success_recruits() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.exited(2, "a", 1)
    tale.came(3, "b")
    tale.worked(3, "b", "apple")
    tale.exited(5, "b")
    tale.job(6, "Complete", succeeded=1)
    tale.over(9)
    assert tale.finds("J1") is Outcome.PASS


def test_a_pod_that_was_first_seen_at_its_end_is_no_new_one() -> None:
    """Its first state and its success are then of one version."""
    tale = Tale("fine")
    tale.sent("apple")
    tale.put(5, "pods", PodSeen("added", "uid-a", "pod-a", "Succeeded", resource_version=7))
    over = ContainerSeen(Worker("uid-a", 0), "terminated", 7, exit_code=0, started=1, finished=5)
    tale.put(5, "pods", over)
    tale.job(6, "Complete", succeeded=1)
    tale.over(9)
    assert tale.finds("J1") is Outcome.PASS


def test_it_is_seen_though_the_run_was_broken_off() -> None:
    tale = succeeded()
    tale.came(7, "c")
    tale.over(9, "the cluster was gone")
    assert tale.finds("J1") is Outcome.FAIL


def test_it_is_the_jobs_fault() -> None:
    tale = succeeded(completions=4)
    tale.came(7, "c")
    tale.over(9)
    failure = tale.failure("J1")
    assert failure.subject is Subject.JOB
    assert tale.what(failure) == [ContainerSeen, PodSeen]


def test_what_came_first_is_told_by_the_versions() -> None:
    """The news of a pod may be late; its version is that of its creation."""
    tale = succeeded()
    seen = PodSeen("added", "uid-c", "pod-c", "Running", resource_version=1)
    tale.put(8, "pods", seen)
    tale.job(9, "Complete")
    tale.over(10)
    assert tale.finds("J1") is Outcome.PASS


def test_not_complete_though_all_have_ended() -> None:
    tale = succeeded()
    tale.exited(7, "b")
    tale.job(8)
    tale.over(90)
    failure = tale.failure("J1")
    assert failure.subject is Subject.JOB
    assert tale.what(failure) == [ContainerSeen, ContainerSeen, JobSeen]


def test_the_last_of_the_ends_is_shown() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    for who in "abc":
        tale.came(1, who)
    first, _, last = (tale.exited(moment, who) for moment, who in ((5, "a"), (6, "b"), (7, "c")))
    seen = tale.job(8)
    tale.over(90)
    assert tale.failure("J1").evidence == (first, last, seen)


@pytest.mark.parametrize("end", [58, 67])
def test_the_job_still_has_its_time_to_become_complete(end: float) -> None:
    """It has 60 seconds from the last end, at 7."""
    tale = succeeded()
    tale.exited(7, "b")
    tale.job(8)
    tale.over(end)
    assert tale.finds("J1") is Outcome.UNKNOWN


def test_the_rest_is_still_at_work() -> None:
    tale = succeeded()
    tale.over(90)
    assert tale.finds("J1") is Outcome.UNKNOWN


def test_no_success() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.exited(2, "a", 1)
    tale.over(9)
    assert tale.finds("J1") is Outcome.UNKNOWN


def test_it_is_none_of_coarse() -> None:
    tale = good_coarse()
    with pytest.raises(KeyError):
        tale.finds("J1")


@pytest.mark.parametrize(("added", "outcome"), [(10.0, Outcome.UNKNOWN), (40.0, Outcome.FAIL)])
def test_a_controller_may_be_slow(added: float, outcome: Outcome) -> None:
    """It has not counted the success yet."""
    tale = succeeded()
    tale.drop(JobSeen)
    tale.job(5.5)
    tale.came(added, "c")
    tale.over(added)
    assert tale.finds("J1") is outcome
