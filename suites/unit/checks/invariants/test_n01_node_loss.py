"""N1: an item is not lost with its holder's node, and comes to another worker in time."""

from __future__ import annotations

import msgspec
import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    NODE_LOSSES,
    NODE_LOST,
    Bounds,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionOwner,
    FaultConfirmed,
    FaultInjected,
    Figures,
    ItemDelivered,
    JobSeen,
)
from harness.suites.unit.dsl.history import Tale, good_fine

PATTERNS = ("coarse", "fine")
#: The bound is 20 s, and `b` is idle from 4 on.
IN_TIME, LATE = 15.0, 40.0
OTHER = 9
NOBODY = "no worker was lost with its node while it had an item"


def lost(
    pattern: str, *, closed: float | None = 5.0, fault: str = NODE_LOST, equal: bool = False
) -> Tale:
    """The node of `a` is lost while it has the apple; coarse: its connection is given up.

    `equal`: `b` had done an equal one before.
    """
    figures = Figures(work=1.0, lease=10.0)
    tale = Tale(pattern, figures=figures, faults=(fault,))
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    if equal:
        tale.sent("apple")
        tale.worked(1, "b", "apple", seconds=0.5)
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


def test_that_it_is_given_out_after_it_was_settled_is_not_what_is_told() -> None:
    tale = lost("fine")
    tale.settled(8, "a", "apple")
    tale.given(IN_TIME, "b", "apple")
    tale.over(60)
    (found,) = tale.judged("N1").findings
    assert found.reason.endswith("was settled all the same")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_that_an_equal_one_was_settled_before_says_nothing(pattern: str) -> None:
    tale = lost(pattern, equal=True)
    tale.given(IN_TIME, "b", "apple", redelivered=True)
    tale.over(60)
    (found,) = tale.judged("N1").findings
    assert found.reason.endswith("came to another")


def test_what_it_was_given_later_was_not_lost_with_the_node() -> None:
    tale = lost("fine")
    tale.sent("banana")
    tale.settled(8, "a", "apple")
    tale.given(9, "a", "banana")
    tale.over(60)
    (found,) = tale.judged("N1").findings
    assert "apple" in found.reason


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_comes_late(pattern: str) -> None:
    tale = lost(pattern)
    tale.given(LATE, "b", "apple", redelivered=True)
    tale.over(60)
    finding = tale.failure("N1")
    assert tale.what(finding) == [ItemDelivered, FaultInjected, ItemDelivered]
    assert "was delivered late" in finding.reason


@pytest.mark.parametrize(("pattern", "since"), [("coarse", 5.0), ("fine", 4.0)])
@pytest.mark.parametrize(("over", "outcome"), [(0.0, Outcome.PASS), (0.5, Outcome.FAIL)])
def test_the_bound_is_in_time(pattern: str, since: float, over: float, outcome: Outcome) -> None:
    """It is reckoned from when somebody waits for it, and could have it."""
    tale = lost(pattern)
    tale.given(since + tale.header.bounds.reclaim + over, "b", "apple", redelivered=True)
    tale.over(60)
    assert tale.finds("N1") is outcome


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_never_comes(pattern: str) -> None:
    tale = lost(pattern)
    tale.over(60)
    finding = tale.failure("N1")
    assert tale.what(finding) == [ItemDelivered, FaultInjected]
    assert "was delivered not again" in finding.reason


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


def two_connections() -> Tale:
    """Coarse: the apple is on one connection of `a`; the other one is given up at 5."""
    tale = Tale("coarse", figures=Figures(work=1.0), faults=(NODE_LOST,))
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.put(1, "tap", ConnectionOpened(OTHER, "10.0.0.9", 4000, at=1.0))
    tale.put(1, "pods", ConnectionOwner(OTHER, tale.worker("a")))
    tale.given(1, "a", "apple")
    tale.asked(1, "b")
    tale.harmed(2, NODE_LOST, "a")
    tale.put(5, "tap", ConnectionClosed(OTHER, "broker", at=5.0))
    return tale


def test_the_end_of_another_connection_gives_nothing_back() -> None:
    tale = two_connections()
    tale.over(60)
    (found,) = tale.judged("N1").findings
    assert found.reason == "RabbitMQ has not given up who had apple on the lost node"


def test_it_can_come_once_its_own_connection_is_given_up() -> None:
    """Each connection has a time of its own after which the broker misses its client."""
    tale = two_connections()
    tale.closed(35, "a")
    tale.given(LATE, "b", "apple", redelivered=True)
    tale.over(60)
    assert tale.finds("N1") is Outcome.PASS


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
    assert [one.reason for one in tale.judged("N1").findings] == [NOBODY]


def test_no_node_was_lost() -> None:
    assert [one.reason for one in good_fine().judged("N1").findings] == [NOBODY]


@pytest.mark.parametrize("fault", ["connection cut", "worker killed"])
def test_of_other_faults_nothing_is_said(fault: str) -> None:
    tale = Tale("fine", faults=(fault,))
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", until=11.0)
    tale.harmed(2, fault, "a")
    tale.over(60)
    assert [one.reason for one in tale.judged("N1").findings] == [NOBODY]


@pytest.mark.parametrize(
    ("bounds", "again", "outcome"),
    [
        (Bounds(20, 5, 60, pickup=25), 35.0, Outcome.PASS),
        (Bounds(20, 5, 60, pickup=25), 37.0, Outcome.FAIL),
        (Bounds(20, 5, 60), 35.0, Outcome.FAIL),
    ],
)
def test_the_bound_is_reckoned_from_the_end_of_its_own_lease(
    bounds: Bounds, again: float, outcome: Outcome
) -> None:
    """That is at 11; older histories have a bound for lease and all."""
    tale = lost("fine")
    tale.header = msgspec.structs.replace(tale.header, bounds=bounds)
    tale.given(again, "b", "apple", redelivered=True)
    tale.over(60)
    assert tale.finds("N1") is outcome


def test_without_any_lease_it_is_never_late() -> None:
    tale = Tale("fine", figures=Figures(work=1.0), faults=(NODE_LOST,), bounds=Bounds(None, 5, 60))
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    harm = tale.put(2, "harness", FaultInjected(NODE_LOST, "node n", tale.worker("a")))
    tale.put(2, "harness", FaultConfirmed(NODE_LOST, (harm,)))
    tale.asked(4, "b")
    tale.over(300)
    assert tale.finds("N1") is Outcome.UNKNOWN
