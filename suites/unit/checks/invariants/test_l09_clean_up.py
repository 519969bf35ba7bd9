"""L9: when the Job is deleted nothing of it is left: no pod, no connection, no key."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.verdict import Finding, Outcome, Subject, Verdict
from harness.history import (
    ConnectionClosed,
    ConnectionOpened,
    ConnectionOwner,
    JobDeleted,
    RunEnded,
)
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


def deleted(tale: Tale, *objects: str, keys: tuple[str, ...] | None = ()) -> Tale:
    """The same, and then the Job is deleted."""
    tale.drop(RunEnded)
    tale.put(12, "harness", JobDeleted("job", objects, keys))
    tale.over(20)
    return tale


def finding(tale: Tale) -> Finding:
    """The only thing that L9 says."""
    verdict: Verdict = tale.judged("L9")
    (found,) = verdict.findings
    return found


def deletions(tale: Tale) -> list[int]:
    return [one.id for one in tale.events if isinstance(one.what, JobDeleted)]


@pytest.mark.parametrize("tale", [good_fine(), good_coarse()], ids=["fine", "coarse"])
def test_nothing_is_left(tale: Tale) -> None:
    found = finding(deleted(tale))
    assert found.outcome is Outcome.PASS
    assert found.evidence == tuple(deletions(tale))


def keeping(*keys: str, **fields: Any) -> Tale:
    tale = good_fine()
    tale.header = Tale(**fields).header
    return deleted(tale, keys=keys)


def test_a_key_is_left() -> None:
    tale = keeping("queue:leases", keeps=())
    assert tale.failure("L9").subject is Subject.WORKER
    assert tale.what(tale.failure("L9")) == [JobDeleted]


def test_a_key_is_left_beside_those_that_are_meant() -> None:
    tale = keeping("stats:a", "queue:leases", keeps=("stats:*",))
    assert tale.failure("L9").reason.endswith("has left queue:leases")


def test_what_is_meant_to_stay_is_not_held_against_it() -> None:
    assert keeping("stats:a", "all-sent", keeps=("stats:*",), sentinel="all-sent").finds("L9") is (
        Outcome.PASS
    )


def test_nobody_has_said_whether_a_key_is_meant_to_stay() -> None:
    assert keeping("results").finds("L9") is Outcome.UNKNOWN


def test_a_connection_is_left() -> None:
    tale = good_fine()
    tale.drop(ConnectionClosed, connection=tale.connection("a"))
    failure = deleted(tale).failure("L9")
    assert tale.what(failure) == [ConnectionOpened, JobDeleted]
    assert failure.reason == "the Job's pods are gone, and 1 connection of theirs left"


def test_the_first_of_several_connections_is_shown() -> None:
    tale = good_fine()
    tale.drop(ConnectionClosed)
    failure = deleted(tale).failure("L9")
    assert failure.reason == "the Job's pods are gone, and 2 connections of theirs left"
    opened = [one.id for one in tale.events if isinstance(one.what, ConnectionOpened)]
    assert failure.evidence == (opened[0], *deletions(tale))


def lingering(opened: float, closed: float | None, *, owned: bool = True) -> Tale:
    """Yet another connection; the Job is deleted at 12."""
    tale = deleted(good_fine())
    tale.came(opened, "c", connected=False)
    number = 77
    tale.put(12, "tap", ConnectionOpened(number, "10.0.0.77", 4000, at=opened))
    if owned:
        tale.put(12, "pods", ConnectionOwner(number, tale.worker("c")))
    if closed is not None:
        tale.put(closed, "tap", ConnectionClosed(number, "client", at=closed))
    return tale


@pytest.mark.parametrize(("opened", "closed"), [(2, 13.5), (2, 15), (2, None), (12, None)])
def test_a_connection_is_left_for_too_long(opened: float, closed: float | None) -> None:
    assert lingering(opened, closed).finds("L9") is Outcome.FAIL


@pytest.mark.parametrize("closed", [12.5, 13])
def test_a_connection_s_end_may_be_told_a_bit_late(closed: float) -> None:
    assert lingering(2, closed).finds("L9") is Outcome.PASS


@pytest.mark.parametrize("opened", [12.1, 14])
def test_what_connects_when_the_job_was_deleted_is_of_the_next_one(opened: float) -> None:
    assert lingering(opened, None).finds("L9") is Outcome.PASS


def test_what_others_have_connected_is_not_the_job_s() -> None:
    assert lingering(2, None, owned=False).finds("L9") is Outcome.PASS


def test_a_connection_that_nobody_has_seen_open_is_not_known_to_be_left() -> None:
    tale = deleted(good_fine())
    tale.put(2, "pods", ConnectionOwner(77, tale.worker("a")))
    assert tale.finds("L9") is Outcome.PASS


def test_a_pod_is_left() -> None:
    """That is for the manifest to answer: the kubelet ends any worker."""
    assert deleted(good_fine(), "pod a").failure("L9").subject is Subject.JOB


LEFT = "the Job was deleted with work left: what lies in the broker may be for that"


@pytest.mark.parametrize("times", [1, 2])
def test_deleted_with_work_left(times: int) -> None:
    """What lies in the broker may be for that, so nobody has looked."""
    tale = good_fine()
    for _ in range(times):
        deleted(tale, keys=None)
    found = finding(tale)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, LEFT)
    assert found.evidence == (deletions(tale)[-1],)


def test_deleted_in_mid_run_and_at_the_end() -> None:
    tale = deleted(good_fine(), keys=None)
    found = finding(deleted(tale))
    assert found.outcome is Outcome.PASS
    assert found.evidence == (deletions(tale)[-1],)


def test_a_key_is_left_at_the_end_only() -> None:
    """Nothing more is said than that."""
    tale = deleted(good_fine(keeps=()), keys=None)
    assert finding(deleted(tale, keys=("results",))).outcome is Outcome.FAIL


def test_the_job_was_not_deleted() -> None:
    found = finding(good_fine())
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "the Job was not deleted in this run"
