"""S12, sound completion: when the Job is Complete, the broker is empty."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.verdict import Outcome, Subject
from harness.history import BrokerDepth, ItemEnqueued, ItemLeft, JobSeen
from harness.suites.unit.dsl.history import QUEUE, Tale, good_coarse, good_fine


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


def test_the_first_that_is_left_and_the_last_look_are_shown() -> None:
    tale = ended("Complete")
    tale.put(6, "broker", ItemLeft("apple", QUEUE, "ready"))
    tale.put(6, "broker", ItemLeft("banana", QUEUE, "ready"))
    tale.put(6, "broker", BrokerDepth(QUEUE, 2, final=True))
    last = tale.put(7, "broker", BrokerDepth(QUEUE, 2, final=True))
    tale.over(9)
    finding = tale.failure("S12")
    assert tale.what(finding) == [JobSeen, ItemLeft, BrokerDepth]
    assert finding.evidence[-1] == last


@pytest.mark.parametrize(("ready", "leased", "unacked"), [(1, 1, 1), (3, 1, 1), (1, 3, 2)])
def test_all_that_is_held_is_counted(ready: int, leased: int, unacked: int) -> None:
    tale = ended("Complete")
    depth = BrokerDepth(QUEUE, ready, leased=leased, unacked=unacked, final=True)
    tale.put(6, "broker", depth)
    tale.over(9)
    assert f"still holds {ready + leased + unacked} items" in tale.failure("S12").reason


def test_only_what_was_set_aside_in_a_queue_is_taken_off_its_depth() -> None:
    for other in ("a", "z"):  # whatever the order of the names
        tale = ended("Complete")
        tale.put(6, "broker", ItemLeft("apple", other, "dead"))
        tale.put(6, "broker", BrokerDepth(QUEUE, 1, final=True))
        tale.over(9)
        assert tale.finds("S12") is Outcome.FAIL
    tale = ended("Complete")
    tale.put(6, "broker", ItemLeft("apple", QUEUE, "dead"))
    tale.put(6, "broker", BrokerDepth(QUEUE, 3, final=True))
    tale.over(9)
    assert "still holds 2 items" in tale.failure("S12").reason


def test_what_is_left_stands_although_the_run_was_broken_off() -> None:
    tale = ended("Complete")
    tale.left(6, "apple")
    tale.over(9, "the connection was lost")
    assert tale.finds("S12") is Outcome.FAIL


def test_a_queue_with_less_than_was_set_aside_makes_up_for_no_other() -> None:
    tale = ended("Complete")
    tale.put(6, "broker", ItemLeft("apple", QUEUE, "dead"))
    tale.put(6, "broker", BrokerDepth(QUEUE, 0, final=True))
    tale.put(6, "broker", BrokerDepth("another", 1, final=True))
    tale.over(9)
    assert tale.finds("S12") is Outcome.FAIL
