"""S8, no early reclaim: what has a holder with time left is not taken over."""

from __future__ import annotations

from harness.checks.verdict import Outcome
from harness.history import Figures, ItemDelivered, ItemReclaimed, LeaseExpired
from harness.suites.unit.dsl.history import Tale, good_fine

FIRST, SECOND = "t1", "t2"


def there(*items: str, lease: float | None = 10.0) -> Tale:
    tale = Tale("fine", figures=Figures(work=1.0, lease=lease))
    tale.sent(*items)
    for who in "abc":
        tale.came(0.5, who)
    return tale


def reclaimed(at: float, until: float | None = 11.0, lease: float | None = 10.0) -> Tale:
    """`a` was given an item at 1, and `b` takes it over."""
    tale = there("apple", lease=lease)
    tale.given(1, "a", "apple", until=until)
    tale.reclaimed(at, "b", "apple")
    tale.given(at, "b", "apple", redelivered=True)
    tale.over(30)
    return tale


def told(tale: Tale) -> list[tuple[Outcome, str]]:
    return [(one.outcome, one.reason) for one in tale.judged("S8").findings]


def test_when_the_lease_was_over() -> None:
    good = "1 item taken over when the lease or its holder was gone"
    assert told(reclaimed(11.3)) == [(Outcome.PASS, good)]


def test_when_it_was_not() -> None:
    tale = reclaimed(4)
    for whole in (True, False):  # it was seen, so it stands also in half a history
        if not whole:
            tale.events.pop()
        early = "apple was taken over when the lease of worker 1 had another 7.0 s"
        assert told(tale) == [(Outcome.FAIL, early)]
        assert tale.what(tale.failure("S8")) == [ItemDelivered, ItemReclaimed]


def test_when_it_was_not_though_its_holder_could_settle_it_after_that() -> None:
    tale = there("apple")
    tale.given(1, "a", "apple", until=11.0, token=FIRST)
    tale.reclaimed(4, "b", "apple")
    tale.given(4, "b", "apple", until=14.0, token=SECOND, redelivered=True)
    tale.settled(5, "a", "apple", token=FIRST)
    tale.over(30)
    assert tale.what(tale.failure("S8")) == [ItemDelivered, ItemReclaimed]


def test_only_what_was_taken_over_counts() -> None:
    """Neither what its holder has settled nor what somebody else has is that."""
    tale = there("apple", "banana", "cherry")
    for moment, item in enumerate(("apple", "banana", "cherry"), start=1):
        tale.given(moment, "a", item, until=20.0)
    tale.settled(4, "a", "apple")
    tale.settled(5, "b", "banana")
    early = tale.reclaimed(6, "b", "cherry")
    tale.over(30)
    (found,) = tale.judged("S8").findings
    assert found.outcome is Outcome.FAIL
    assert found.evidence[1] == early


def test_of_equal_items_the_one_whose_lease_was_over() -> None:
    """`a` has renewed its lease on one, and `b` takes over the other."""
    tale = there("apple", "apple")
    tale.given(1, "a", "apple", until=11.0)
    tale.given(2, "c", "apple", until=12.0)
    tale.leased(9, "a", "apple", 19.0)
    tale.reclaimed(12.5, "b", "apple")
    tale.given(12.5, "b", "apple", until=22.5, redelivered=True)
    tale.leased(18, "a", "apple", 28.0)
    tale.settled(21, "b", "apple")
    tale.settled(26, "a", "apple")
    tale.over(30)
    assert [tale.finds(one) for one in ("S4", "S8")] == [Outcome.PASS] * 2


def test_of_equal_items_the_one_whose_holder_was_gone() -> None:
    """Where it is not named, nobody can say that it was that one."""
    good = "1 item taken over when the lease or its holder was gone"
    equal = "apple is there more than once: which one was taken over is not known"
    early = "apple was taken over when the lease of worker 1 had another 7.0 s"
    for dead, back, token, expected in (
        (True, False, SECOND, (Outcome.PASS, good)),
        (True, False, "", (Outcome.UNKNOWN, equal)),
        (True, True, "", (Outcome.FAIL, early)),
        (False, False, "", (Outcome.FAIL, early)),
    ):
        tale = there("apple", "apple")
        tale.given(1, "a", "apple", until=11.0, token=FIRST)
        tale.given(2, "c", "apple", until=12.0, token=SECOND)
        if back:  # then it is nobody's, and is not taken over
            tale.returned(2.5, "c", "apple")
        if dead:
            tale.killed(3, "c")
        tale.reclaimed(4, "b", "apple", token)
        tale.given(4, "b", "apple", redelivered=True)
        tale.over(30)
        assert told(tale) == [expected]


def test_before_there_was_one() -> None:
    early = "apple was taken over before worker 1, which had it, had come to take a lease"
    assert told(reclaimed(1.1, until=None)) == [(Outcome.FAIL, early)]


def test_of_a_single_item_nobody_else_had_one() -> None:
    """Whoever was given it before, and could settle it after all."""
    for more in ((), ("apple",)):
        tale = there("apple", *more)
        tale.given(1, "a", "apple", until=11.0, token=FIRST)
        if more:
            tale.reclaimed(11.6, "b", "apple", FIRST)
        tale.given(11.6, "b", "apple", until=21.6, token=SECOND, redelivered=True)
        early = tale.reclaimed(14, "c", "apple", SECOND)
        tale.given(14, "c", "apple", redelivered=True)
        tale.settled(20, "a", "apple", token=FIRST)
        tale.over(30)
        assert tale.failure("S8").evidence[1] == early


def test_when_its_holder_was_gone() -> None:
    tale = there("apple")
    tale.given(1, "a", "apple", until=11.0)
    tale.killed(2, "a")
    tale.reclaimed(4, "b", "apple")
    tale.given(4, "b", "apple", redelivered=True)
    tale.over(30)
    assert tale.finds("S8") is Outcome.PASS


def test_when_its_holder_had_ended_the_lease() -> None:
    """So some give an item back: they let their lease end."""
    tale = there("apple")
    tale.given(1, "a", "apple", until=11.0)
    tale.put(2, "tap", LeaseExpired("apple", "t", 2.0))
    tale.reclaimed(3, "b", "apple")
    tale.given(3, "b", "apple", redelivered=True, until=13.0)
    tale.over(30)
    assert [tale.finds(one) for one in ("S4", "S7", "S8")] == [Outcome.PASS] * 3


def test_without_leases_nobody_can_say() -> None:
    unseen = "apple was taken over, and nobody saw a lease on it"
    assert told(reclaimed(6, until=None, lease=None)) == [(Outcome.UNKNOWN, unseen)]


def test_nobody_took_anything_over() -> None:
    nobody = "nobody has taken an item over"
    assert told(good_fine()) == [(Outcome.UNKNOWN, nobody)]
