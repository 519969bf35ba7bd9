"""L7: a worker that is told to stop finishes or gives back, in time, and tells no lie about it."""

from __future__ import annotations

import pytest
from histories import Tale, good_fine

from harness.history import (
    STOPPED,
    STOPS,
    ContainerSeen,
    FaultInjected,
    ItemDelivered,
    LeaseExpired,
)
from harness.verdict import Outcome

SIGTERM = 143


def stopped(pattern: str = "fine", fault: str = STOPPED) -> Tale:
    """`a` works on the apple from 1 on and is told to stop at 3; `b` is there, too."""
    tale = Tale(pattern, completions=1 if pattern == "coarse" else None)
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
        tale.asked(1, who)
    tale.given(1, "a", "apple")
    tale.began(1, "a", "apple")
    tale.harmed(3, fault, "a")
    return tale


def ended(tale: Tale) -> Tale:
    """`b` does what is left; the run is over."""
    tale.given(15, "b", "apple")
    tale.settled(16, "b", "apple")
    tale.exited(17, "b")
    tale.over(20)
    return tale


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_gives_back_and_fails(pattern: str) -> None:
    tale = stopped(pattern)
    tale.returned(4, "a", "apple")
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.PASS


@pytest.mark.parametrize("fault", sorted(STOPS))
def test_whoever_has_told_it_to_stop(fault: str) -> None:
    """Deleted, evicted or drained: it is the same to the worker."""
    tale = stopped(fault=fault)
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.FAIL


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_finishes(pattern: str) -> None:
    tale = stopped(pattern)
    tale.settled(8, "a", "apple")
    tale.exited(8, "a")
    tale.over(20)
    assert tale.finds("L7") is Outcome.PASS


def test_its_connection_gives_it_back() -> None:
    """A message belongs to the connection: any end in time will do."""
    tale = stopped("coarse")
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.PASS


def test_it_leaves_with_a_lease() -> None:
    tale = stopped()
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.FAIL
    assert tale.what(tale.failure("L7")) == [ItemDelivered, FaultInjected, ContainerSeen]


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_tells_of_success(pattern: str) -> None:
    tale = stopped(pattern)
    tale.returned(4, "a", "apple")
    tale.exited(4, "a", 0)
    assert ended(tale).finds("L7") is Outcome.FAIL


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_had_to_be_killed(pattern: str) -> None:
    tale = stopped(pattern)
    tale.killed(33, "a")
    tale.over(40)
    assert tale.finds("L7") is Outcome.FAIL


def test_its_lease_was_over_before_its_end() -> None:
    """Then it has nothing any more that it could give back."""
    tale = stopped()
    tale.reclaimed(12, "b", "apple")
    tale.given(12, "b", "apple")
    tale.settled(13, "b", "apple")
    tale.exited(14, "a", 1)
    tale.over(20)
    assert tale.finds("L7") is Outcome.PASS


def test_it_may_not_have_known_of_the_item() -> None:
    tale = Tale()
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(2.9, "a", "apple")
    tale.harmed(3, STOPPED, "a")
    tale.exited(4, "a", SIGTERM)
    tale.over(20)
    assert tale.finds("L7") is Outcome.UNKNOWN


def test_it_has_ended_its_lease() -> None:
    """Where a lease is a key, to delete it is to give the item back."""
    tale = stopped()
    tale.leased(1, "a", "apple", 20)
    tale.put(3.5, "tap", LeaseExpired("apple", at=3.5))
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.PASS


def test_it_had_nothing() -> None:
    tale = stopped()
    tale.drop(FaultInjected)
    tale.harmed(3, STOPPED, "b")
    tale.exited(4, "b", SIGTERM)
    tale.over(20)
    assert tale.finds("L7") is Outcome.UNKNOWN


def test_nobody_saw_its_exit_code() -> None:
    tale = stopped()
    tale.returned(4, "a", "apple")
    tale.deleted(5, "a")
    assert ended(tale).finds("L7") is Outcome.UNKNOWN


def test_its_end_was_not_seen() -> None:
    tale = stopped()
    assert ended(tale).finds("L7") is Outcome.UNKNOWN


def test_nobody_was_told_to_stop() -> None:
    assert good_fine().finds("L7") is Outcome.UNKNOWN
