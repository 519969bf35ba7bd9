"""N1: an item is not lost with its holder's node, and comes to another worker in time."""

from __future__ import annotations

import pytest
from histories import Tale, good_fine

from harness.history import (
    NODE_LOSSES,
    NODE_LOST,
    FaultConfirmed,
    FaultInjected,
    Figures,
    ItemDelivered,
    JobSeen,
)
from harness.verdict import Outcome

PATTERNS = ("coarse", "fine")
#: The bound is 20 s, and `b` is idle from 4 on.
IN_TIME, LATE = 15.0, 40.0


def lost(pattern: str, *, closed: float | None = 5.0, fault: str = NODE_LOST) -> Tale:
    """The node of `a` is lost while it has the apple; coarse: its connection is given up."""
    figures = Figures(work=1.0, lease=10.0)
    tale = Tale(pattern, figures=figures, faults=(fault,))
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple", until=11.0 if pattern == "fine" else None)
    harm = tale.put(2, "harness", FaultInjected(fault, "node n", tale.worker("a")))
    tale.put(2, "harness", FaultConfirmed(fault, (harm,)))
    tale.asked(4, "b")
    if pattern == "coarse" and closed is not None:
        tale.closed(closed, "a")
    return tale


@pytest.mark.parametrize("fault", sorted(NODE_LOSSES))
@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_comes_to_another(pattern: str, fault: str) -> None:
    tale = lost(pattern, fault=fault)
    tale.given(IN_TIME, "b", "apple", redelivered=True)
    tale.settled(IN_TIME + 1, "b", "apple")
    tale.over(60)
    (found,) = tale.judged("N1").findings
    assert found.outcome is Outcome.PASS
    assert found.reason.endswith("came to another")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_is_settled_by_who_had_it_when_the_node_is_back(pattern: str) -> None:
    tale = lost(pattern, closed=None)
    tale.settled(8, "a", "apple")
    tale.over(60)
    (found,) = tale.judged("N1").findings
    assert found.outcome is Outcome.PASS
    assert found.reason.endswith("was settled all the same")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_comes_late(pattern: str) -> None:
    tale = lost(pattern)
    tale.given(LATE, "b", "apple", redelivered=True)
    tale.over(60)
    assert tale.what(tale.failure("N1")) == [ItemDelivered, FaultInjected, ItemDelivered]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_never_comes(pattern: str) -> None:
    tale = lost(pattern)
    tale.over(60)
    assert tale.what(tale.failure("N1")) == [ItemDelivered, FaultInjected]


def test_it_is_lost() -> None:
    tale = lost("fine")
    tale.exited(10, "b")
    tale.job(12, "Complete", succeeded=1)
    tale.over(15)
    assert tale.what(tale.failure("N1")) == [ItemDelivered, FaultInjected, JobSeen]


def test_the_broker_still_believes_in_it() -> None:
    tale = lost("coarse", closed=None)
    tale.over(60)
    assert tale.finds("N1") is Outcome.UNKNOWN


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_history_is_too_short(pattern: str) -> None:
    tale = lost(pattern)
    tale.over(15)
    assert tale.finds("N1") is Outcome.UNKNOWN


def test_it_had_nothing_any_more() -> None:
    tale = Tale("fine", faults=(NODE_LOST,))
    tale.sent("apple")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.harmed(3, NODE_LOST, "a")
    tale.over(10)
    assert tale.finds("N1") is Outcome.UNKNOWN


def test_no_node_was_lost() -> None:
    assert good_fine().finds("N1") is Outcome.UNKNOWN
