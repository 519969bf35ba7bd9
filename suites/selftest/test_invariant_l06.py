"""L6: when the broker can be reached again, the work goes on, in time."""

from __future__ import annotations

import pytest
from histories import Tale, good_fine

from harness.history import (
    CUT_OFF,
    HALF_OPEN,
    RESTARTED,
    FaultHealed,
    FaultInjected,
    ItemDelivered,
    JobSeen,
)
from harness.verdict import Outcome


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
    assert tale.finds("L6") is Outcome.FAIL
    assert tale.what(tale.failure("L6")) == [FaultInjected, FaultHealed, JobSeen]


def test_it_takes_too_long() -> None:
    tale = cut_off()
    tale.connected(30, "a")
    tale.given(30, "a", "apple")
    tale.over(40)
    assert tale.finds("L6") is Outcome.FAIL
    assert tale.what(tale.failure("L6"))[-1] is ItemDelivered


def test_the_history_is_too_short() -> None:
    tale = cut_off()
    tale.over(20)
    assert tale.finds("L6") is Outcome.UNKNOWN


def test_nothing_was_left_to_do() -> None:
    tale = cut_off(done=True)
    tale.over(40)
    assert tale.finds("L6") is Outcome.UNKNOWN


def test_it_did_not_come_back() -> None:
    tale = cut_off()
    tale.drop(FaultHealed)
    tale.over(40)
    assert tale.finds("L6") is Outcome.UNKNOWN


def test_nobody_was_cut_off() -> None:
    assert good_fine().finds("L6") is Outcome.UNKNOWN
