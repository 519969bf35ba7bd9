"""S12, sound completion: when the Job is Complete, the broker is empty."""

from __future__ import annotations

from typing import Any

import pytest
from histories import QUEUE, Tale, good_coarse, good_fine

from harness.history import BrokerDepth, ItemEnqueued, ItemLeft, JobSeen
from harness.verdict import Outcome, Subject


def test_empty() -> None:
    assert good_fine().finds("S12") is Outcome.PASS
    assert good_coarse().finds("S12") is Outcome.PASS


def ended(*conditions: str, pattern: str = "fine", completions: int | None = None) -> Tale:
    tale = Tale(pattern, completions=completions)
    tale.sent("apple")
    tale.job(5, *conditions, succeeded=1)
    return tale


@pytest.mark.parametrize("where", ["ready", "leased", "unacked"])
def test_something_is_left(where: str) -> None:
    tale = ended("Complete")
    tale.left(6, "apple", where=where)
    tale.over(9)
    assert tale.what(tale.failure("S12")) == [JobSeen, ItemLeft, BrokerDepth]
    assert tale.failure("S12").subject is Subject.WORKER


@pytest.mark.parametrize("depth", [{"ready": 1}, {"ready": 0, "leased": 1}])
def test_the_depth_alone_tells(depth: dict[str, Any]) -> None:
    tale = ended("Complete")
    tale.put(6, "broker", BrokerDepth(QUEUE, final=True, **depth))
    tale.over(9)
    assert tale.finds("S12") is Outcome.FAIL


def test_set_aside_is_not_left() -> None:
    tale = ended("Complete")
    tale.left(6)
    tale.left(6, "apple", where="dead", queue="queue:dead")
    tale.over(9)
    assert tale.finds("S12") is Outcome.PASS


def test_too_few_completions_are_the_jobs_fault() -> None:
    tale = good_coarse()
    tale.put(0, "harness", ItemEnqueued("cherry", QUEUE))
    tale.drop(BrokerDepth)
    tale.left(9, "cherry")
    assert tale.failure("S12").subject is Subject.JOB


def test_the_job_was_not_complete() -> None:
    tale = ended("Failed")
    tale.left(6, "apple")
    tale.over(9)
    assert tale.finds("S12") is Outcome.UNKNOWN


def test_nobody_has_looked() -> None:
    tale = ended("Complete")
    tale.put(6, "broker", BrokerDepth(QUEUE, 0))
    tale.over(9)
    assert tale.finds("S12") is Outcome.UNKNOWN
