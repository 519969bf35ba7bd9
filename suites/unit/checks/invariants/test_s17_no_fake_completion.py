"""S17, no fake completion: without a broker or a queue nobody exits with 0."""

from __future__ import annotations

import msgspec
import pytest

from harness.checks.verdict import Outcome
from harness.history import ConnectionOwner, ContainerSeen, FaultHealed, FaultInjected
from harness.suites.unit.dsl.history import Tale, good_fine

FAULT = "broker unreachable"


def unreachable(pattern: str = "fine") -> Tale:
    """The broker cannot be reached from the first moment on."""
    tale = Tale(pattern, faults=(FAULT,), completions=1 if pattern == "coarse" else None)
    tale.sent("apple")
    tale.harmed(1, FAULT)
    tale.drop(FaultHealed)
    return tale


def healed(tale: Tale, moment: float) -> Tale:
    tale.put(moment, "harness", FaultHealed(FAULT))
    return tale


def worked_then(tale: Tale, moment: float, who: str) -> Tale:
    """All goes well in the end."""
    tale.came(moment, who)
    tale.worked(moment, who, "apple")
    tale.exited(moment + 2, who)
    tale.job(moment + 4, "Complete", succeeded=1)
    tale.left(moment + 5)
    tale.over(moment + 6)
    return tale


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_who_gives_up_says_so(pattern: str) -> None:
    tale = unreachable(pattern)
    tale.came(2, "a", connected=False)
    tale.exited(10, "a", 1)
    assert worked_then(healed(tale, 12), 20, "a").finds("S17") is Outcome.PASS


def test_all_of_them_are_counted_and_the_first_is_shown() -> None:
    """Those who came from the very moment of the harm on, and were given nothing until it ended."""
    tale = unreachable()
    tale.came(1, "a", connected=False)
    came = tale.events[-1].id
    left = tale.exited(3, "a", 1)
    for moment, who in enumerate("bcde", start=2):
        tale.came(moment, who, connected=False)
    tale.exited(6, "b", 1)
    healed(tale, 12)
    for who in "cd":
        tale.connected(12, who)
    tale.given(12, "c", "apple")
    tale.exited(12, "d")
    tale.came(12, "f")
    tale.connected(13, "e")
    for who in "ef":
        tale.empty(13, who)
        tale.exited(14, who)
    tale.settled(15, "c", "apple")
    tale.exited(16, "c")
    tale.over(20)
    (finding,) = tale.judged("S17").findings
    assert finding.outcome is Outcome.PASS
    assert finding.reason == "5 workers had no broker or no queue; none left with 0 then"
    assert finding.evidence == (came, left)


def test_who_was_seen_only_when_it_was_over() -> None:
    tale = unreachable("coarse")
    tale.came(2, "a", connected=False)
    tale.drop(ContainerSeen, state="running")
    tale.exited(3, "a", 1)
    assert worked_then(healed(tale, 12), 20, "b").finds("S17") is Outcome.PASS


def test_who_waits_until_it_is_there() -> None:
    tale = unreachable()
    tale.came(2, "a", connected=False)
    healed(tale, 12)
    tale.connected(13, "a")
    tale.worked(13, "a", "apple")
    tale.exited(15, "a")
    tale.over(20)
    assert tale.finds("S17") is Outcome.PASS


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_who_never_reached_it_and_is_content(pattern: str) -> None:
    tale = unreachable(pattern)
    tale.came(2, "a", connected=False)
    tale.exited(10, "a")
    (finding,) = worked_then(healed(tale, 12), 20, "b").judged("S17").findings
    assert finding.outcome is Outcome.FAIL
    assert tale.what(finding) == [FaultInjected, ContainerSeen, ContainerSeen]
    assert finding.reason == "worker 1 never reached the broker, and exited with 0"


def test_a_connection_of_nobody_may_be_its_own() -> None:
    tale = good_fine()
    tale.drop(ConnectionOwner, connection=tale.connection("b"))
    assert tale.finds("S17") is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("pattern", "code", "moment", "outcome"),
    [
        ("coarse", 1, 4, Outcome.PASS),
        ("coarse", 0, 4, Outcome.FAIL),
        # The kubelet tells the second of an exit only.
        ("coarse", 0, 12.2, Outcome.UNKNOWN),
        # To Redis a list that is not there is the same as an empty one.
        ("fine", 0, 4, Outcome.UNKNOWN),
    ],
)
def test_no_queue_yet(pattern: str, code: int, moment: float, outcome: Outcome) -> None:
    tale = unreachable(pattern)
    tale.came(2, "a")
    tale.exited(moment, "a", code)
    assert worked_then(healed(tale, 12.5), 20, "b").finds("S17") is outcome


def test_no_queue_for_as_long_as_it_was_there() -> None:
    """Its second is over when the queue comes."""
    tale = unreachable("coarse")
    tale.came(2, "a")
    tale.exited(11.5, "a")
    assert worked_then(healed(tale, 12), 20, "b").finds("S17") is Outcome.FAIL


def test_a_worker_that_wants_a_marker_takes_no_queue_for_empty_before() -> None:
    tale = unreachable()
    tale.header = msgspec.structs.replace(tale.header, sentinel="all-sent")
    tale.came(2, "a")
    tale.exited(4, "a")
    assert worked_then(healed(tale, 12), 20, "b").finds("S17") is Outcome.FAIL


def test_who_came_later_had_both() -> None:
    assert worked_then(healed(unreachable(), 12), 20, "b").finds("S17") is Outcome.UNKNOWN


def test_nobody_was_without() -> None:
    assert good_fine().finds("S17") is Outcome.UNKNOWN


def test_who_was_there_before_or_was_given_something_was_not_without() -> None:
    tale = Tale("fine", faults=(FAULT,))
    tale.sent("apple", "banana")
    tale.came(0.5, "a")
    tale.harmed(1, FAULT)
    tale.drop(FaultHealed)
    tale.came(2, "b")
    tale.exited(3, "a", 1)
    tale.given(11, "b", "apple")
    healed(tale, 12)
    tale.given(13, "b", "banana")
    tale.over(20)
    (finding,) = tale.judged("S17").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "no worker was without its broker and its queue"
