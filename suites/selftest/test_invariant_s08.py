"""S8, no early reclaim: what has a holder with time left is not taken over."""

from __future__ import annotations

from histories import Tale, good_fine

from harness.history import Figures, ItemDelivered, ItemReclaimed, LeaseExpired
from harness.verdict import Outcome


def reclaimed(at: float, until: float | None = 11.0, lease: float | None = 10.0) -> Tale:
    """`a` was given an item at 1, and `b` takes it over."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=lease))
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=until)
    tale.reclaimed(at, "b", "apple")
    tale.given(at, "b", "apple", redelivered=True)
    tale.over(30)
    return tale


def test_when_the_lease_was_over() -> None:
    assert reclaimed(11.3).finds("S8") is Outcome.PASS


def test_when_it_was_not() -> None:
    tale = reclaimed(6)
    assert tale.what(tale.failure("S8")) == [ItemDelivered, ItemReclaimed]


def test_before_there_was_one() -> None:
    tale = reclaimed(1.1, until=None)
    assert "had come to take a lease" in tale.failure("S8").reason


def test_when_its_holder_was_gone() -> None:
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.killed(2, "a")
    tale.reclaimed(4, "b", "apple")
    tale.given(4, "b", "apple", redelivered=True)
    tale.over(30)
    assert tale.finds("S8") is Outcome.PASS


def test_when_its_holder_had_ended_the_lease() -> None:
    """So some give an item back: they let their lease end."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.put(2, "tap", LeaseExpired("apple", "t", 2.0))
    tale.reclaimed(3, "b", "apple")
    tale.given(3, "b", "apple", redelivered=True, until=13.0)
    tale.over(30)
    assert [tale.finds(one) for one in ("S4", "S7", "S8")] == [Outcome.PASS] * 3


def test_without_leases_nobody_can_say() -> None:
    assert reclaimed(6, until=None, lease=None).finds("S8") is Outcome.UNKNOWN


def test_nobody_took_anything_over() -> None:
    assert good_fine().finds("S8") is Outcome.UNKNOWN
