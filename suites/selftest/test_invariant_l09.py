"""L9: when the Job is deleted nothing of it is left: no pod, no connection, no key."""

from __future__ import annotations

from typing import Any

import pytest
from histories import Tale, good_coarse, good_fine

from harness.history import ConnectionClosed, ConnectionOpened, JobDeleted
from harness.verdict import Outcome, Subject


def deleted(tale: Tale, *objects: str, keys: tuple[str, ...] | None = ()) -> Tale:
    """The same, and then the Job is deleted."""
    tale.events.pop()
    tale.put(12, "harness", JobDeleted("job", objects, keys))
    tale.over(20)
    return tale


@pytest.mark.parametrize("tale", [good_fine(), good_coarse()], ids=["fine", "coarse"])
def test_nothing_is_left(tale: Tale) -> None:
    assert deleted(tale).finds("L9") is Outcome.PASS


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


def test_a_pod_is_left() -> None:
    """That is for the manifest to answer: the kubelet ends any worker."""
    assert deleted(good_fine(), "pod a").failure("L9").subject is Subject.JOB


def test_deleted_with_work_left() -> None:
    """What lies in the broker may be for that, so nobody has looked."""
    assert deleted(good_fine(), keys=None).finds("L9") is Outcome.UNKNOWN


def test_deleted_in_mid_run_and_at_the_end() -> None:
    tale = deleted(good_fine(), keys=None)
    assert deleted(tale).finds("L9") is Outcome.PASS


def test_the_job_was_not_deleted() -> None:
    assert good_fine().finds("L9") is Outcome.UNKNOWN
