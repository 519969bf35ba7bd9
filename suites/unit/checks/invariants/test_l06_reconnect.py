"""L6: when the broker can be reached again, the work goes on, in time."""

from __future__ import annotations

import msgspec
import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    CUT_OFF,
    HALF_OPEN,
    RESTARTED,
    Bounds,
    FaultHealed,
    FaultInjected,
    ItemDelivered,
    ItemEnqueued,
    JobSeen,
)
from harness.suites.unit.dsl.history import Tale, good_fine


def cut_off(*, done: bool = False, fault: str = CUT_OFF) -> Tale:
    """`a` has the apple and loses its broker at 3, for a moment. 25 s are allowed."""
    tale = Tale()
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    if done:
        tale.settled(2, "a", "apple")
    tale.harmed(3, fault, None if fault == RESTARTED else "a")
    tale.job(4)
    return tale


@pytest.mark.parametrize("fault", [CUT_OFF, HALF_OPEN, RESTARTED])
def test_it_goes_on(fault: str) -> None:
    tale = cut_off(fault=fault)
    tale.connected(4, "a")
    tale.settled(5, "a", "apple")
    tale.over(10)
    assert tale.finds("L6") is Outcome.PASS


def test_another_goes_on() -> None:
    tale = cut_off()
    tale.exited(3, "a", 1)
    tale.came(14, "a")
    tale.given(14, "a", "apple")
    tale.over(20)
    assert tale.finds("L6") is Outcome.PASS


@pytest.mark.parametrize("fault", [CUT_OFF, HALF_OPEN, RESTARTED])
def test_nobody_goes_on(fault: str) -> None:
    tale = cut_off(fault=fault)
    tale.over(40)
    failure = tale.failure("L6")
    assert tale.what(failure) == [FaultInjected, FaultHealed, JobSeen]
    assert failure.reason == (
        "the work did not go on for 37.0 s after the broker could be reached again; "
        "the bound is 25.0 s"
    )


def test_without_a_lease_it_is_never_late() -> None:
    """Its item may be another's only at the end of a lease that nobody has seen."""
    tale = cut_off()
    tale.header = msgspec.structs.replace(tale.header, bounds=Bounds(None, 5, 60, pickup=25))
    tale.over(200)
    (finding,) = tale.judged("L6").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason.endswith("; no lease was seen, so there is no bound")
    tale.events.pop()
    tale.settled(150, "a", "apple")
    tale.over(200)
    assert tale.finds("L6") is Outcome.PASS


def cut_off_again(fault: str) -> Tale:
    """All is well after two of them; the third comes at 40."""
    tale = cut_off()
    tale.settled(5, "a", "apple")
    tale.sent("banana")
    tale.harmed(20, RESTARTED)
    tale.put(40, "harness", FaultInjected(fault, "somebody"))
    return tale


def test_after_several_cuts_it_is_reckoned_from_the_last() -> None:
    tale = cut_off_again(CUT_OFF)
    begun = tale.events[-1].id
    back = tale.put(41, "harness", FaultHealed(CUT_OFF))
    given = tale.given(50, "a", "banana")
    tale.over(80)
    (finding,) = tale.judged("L6").findings
    assert finding.outcome is Outcome.PASS
    assert finding.evidence == (begun, back, given)


def test_the_last_of_several_cuts_is_not_over() -> None:
    tale = cut_off_again(HALF_OPEN)
    begun = tale.events[-1].id
    tale.over(80)
    (finding,) = tale.judged("L6").findings
    assert finding.reason == "the broker could not be reached again"
    assert finding.evidence == (begun,)


def test_it_takes_too_long() -> None:
    tale = cut_off()
    tale.connected(30, "a")
    tale.given(30, "a", "apple")
    tale.over(40)
    failure = tale.failure("L6")
    assert tale.what(failure) == [FaultInjected, FaultHealed, ItemDelivered]
    assert failure.reason == (
        "the work went on only 27.0 s after the broker could be reached again; the bound is 25.0 s"
    )


def test_it_takes_as_long_as_it_may() -> None:
    tale = cut_off()
    tale.given(28, "a", "apple")
    tale.over(40)
    assert tale.finds("L6") is Outcome.PASS


def test_a_report_that_was_said_before_and_came_to_the_broker_afterwards() -> None:
    tale = Tale()
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.held(2, "a", "report")
    tale.harmed(3, RESTARTED)
    tale.settled(5, "a", "apple")
    tale.resume_client(5, "a")
    tale.over(40)
    assert tale.finds("L6") is Outcome.PASS


def test_the_history_is_too_short() -> None:
    tale = cut_off()
    tale.over(20)
    assert tale.finds("L6") is Outcome.UNKNOWN


def test_nothing_was_left_to_do() -> None:
    tale = cut_off(done=True)
    tale.over(40)
    assert tale.finds("L6") is Outcome.UNKNOWN


def test_what_was_done_when_it_came_back_is_not_its_going_on() -> None:
    tale = Tale()
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(2, "a", "apple")
    tale.given(3, "a", "banana")
    tale.harmed(3, CUT_OFF, "a")
    tale.over(40)
    assert tale.finds("L6") is Outcome.FAIL
    tale.drop(ItemDelivered, item="banana")
    tale.drop(ItemEnqueued, item="banana")
    (finding,) = tale.judged("L6").findings
    assert finding.reason == "nothing was left to do when the broker could be reached again"


def test_it_did_not_come_back() -> None:
    tale = cut_off()
    tale.drop(FaultHealed)
    tale.over(40)
    assert tale.finds("L6") is Outcome.UNKNOWN


def test_nobody_was_cut_off() -> None:
    assert good_fine().finds("L6") is Outcome.UNKNOWN
