"""S13, accounting: in the coarse pattern each success stands for exactly one message."""

from __future__ import annotations

from harness.checks.verdict import Outcome
from harness.history import ContainerSeen, ItemSettled
from harness.suites.unit.dsl.history import Tale, good_coarse


def success(*settled: str) -> Tale:
    tale = Tale("coarse", completions=2)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    for item in settled:
        tale.given(1, "a", item)
        tale.settled(2, "a", item)
    tale.exited(3, "a")
    tale.over(9)
    return tale


def test_one_message_each() -> None:
    assert good_coarse().finds("S13") is Outcome.PASS


def test_two_messages_in_one_success() -> None:
    tale = success("apple", "banana")
    assert tale.what(tale.failure("S13")) == [ItemSettled, ItemSettled, ContainerSeen]


def test_an_empty_delivery() -> None:
    tale = success()
    assert tale.what(tale.failure("S13")) == [ContainerSeen]


def test_an_empty_delivery_of_an_empty_queue() -> None:
    tale = Tale("coarse", completions=2)
    tale.came(1, "a")
    tale.exited(3, "a")
    tale.over(9)
    assert tale.finds("S13") is Outcome.FAIL


def test_the_next_run_of_a_killed_container_counts_for_itself() -> None:
    tale = Tale("coarse", completions=2)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple")
    tale.killed(2.5, "a")
    tale.came(4, "a")
    tale.given(4, "a", "banana")
    tale.settled(5, "a", "banana")
    tale.exited(6, "a")
    tale.over(9)
    assert tale.finds("S13") is Outcome.PASS


def test_nobody_has_succeeded() -> None:
    tale = Tale("coarse")
    tale.sent("apple")
    tale.over(9)
    assert tale.finds("S13") is Outcome.UNKNOWN


def test_not_known_whose() -> None:
    tale = success()
    tale.came(4, "b", owned=False)
    tale.given(5, "b", "apple")
    assert tale.finds("S13") is Outcome.FAIL
    tale.settled(6, "b", "apple")
    assert tale.finds("S13") is Outcome.UNKNOWN


def test_only_what_is_known_is_counted() -> None:
    """Neither two messages are one, nor is none, whoever else has settled some."""
    two = success("apple", "banana").judged("S13").findings
    assert [one.outcome for one in two] == [Outcome.FAIL]
    tale = success()
    tale.came(4, "b", owned=False)
    tale.given(5, "b", "apple")
    tale.settled(6, "b", "apple")
    assert [one.outcome for one in tale.judged("S13").findings] == [Outcome.UNKNOWN]


def test_the_first_of_those_who_are_not_known_is_shown() -> None:
    tale = success()
    tale.came(4, "b", owned=False)
    shown = tale.given(5, "b", "apple")
    tale.settled(6, "b", "apple")
    tale.given(7, "b", "banana")
    tale.settled(8, "b", "banana")
    (finding,) = tale.judged("S13").findings
    assert finding.evidence == (shown,)
