"""L1, reclaim: an item whose holder is gone comes to another worker, in time."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    Bounds,
    ConnectionCut,
    ContainerSeen,
    Figures,
    ItemDelivered,
    PodSeen,
)
from harness.suites.unit.dsl.history import Tale, good_fine

LEASED = Figures(work=1.0, lease=10.0)
#: The bound is 20 s, and `b` is idle from 4 on.
IN_TIME, LATE = 15.0, 40.0


def lost(pattern: str = "fine", *, again: float | None, last: float = 60.0, **fields: Any) -> Tale:
    """`a` is killed at 2 with an item; `b` is there, idle, and takes it at some time, or never."""
    tale = Tale(pattern, **{"figures": LEASED, "faults": ("killed",), **fields})
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.asked(1, "a")
    tale.given(1, "a", "apple", until=11.0 if pattern == "fine" else None)
    tale.killed(2, "a")
    tale.harmed(2.5, "killed", "a")
    tale.asked(4, "b")
    if again is not None:
        tale.given(again, "b", "apple", redelivered=True)
        tale.settled(again + 1, "b", "apple")
    tale.over(last)
    return tale


def test_taken_over_in_time() -> None:
    for pattern in ("fine", "coarse"):
        assert lost(pattern, again=IN_TIME).finds("L1") is Outcome.PASS


def test_never_taken_over() -> None:
    tale = lost(again=None)
    assert tale.what(tale.failure("L1")) == [ItemDelivered, ContainerSeen]
    assert lost("coarse", again=None).finds("L1") is Outcome.FAIL


def test_set_aside_by_its_queue() -> None:
    tale = lost("coarse", again=None)
    tale.left(60, "apple", where="dead", queue="queue.dead")
    assert tale.finds("L1") is Outcome.PASS


def test_taken_over_late() -> None:
    tale = lost(again=LATE)
    failure = tale.failure("L1")
    assert tale.what(failure) == [ItemDelivered, ContainerSeen, ItemDelivered]
    assert "was delivered after 37.0 s, though" in failure.reason  # it was gone at 3 at the latest
    assert "was delivered not again, though" in lost(again=None).failure("L1").reason


@pytest.mark.parametrize(("again", "outcome"), [(20.5, Outcome.PASS), (21.0, Outcome.FAIL)])
def test_the_bound_is_exact(again: float, outcome: Outcome) -> None:
    """The message is there again at 0.5, when its connection is closed."""
    tale = Tale("coarse", figures=LEASED)
    tale.sent("apple")
    for who in "ab":
        tale.came(0, who)
    tale.given(0.2, "a", "apple")
    tale.closed(0.5, "a")
    tale.asked(0.5, "b")
    tale.given(again, "b", "apple", redelivered=True)
    tale.over(60)
    assert tale.finds("L1") is outcome


@pytest.mark.parametrize("owned", [False, True])
def test_who_had_it_before_and_gave_it_back_does_not_count(*, owned: bool) -> None:
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple")
    tale.came(0, "c", owned=owned)
    for who in "ab":
        tale.came(0, who)
    tale.given(0.1, "c", "apple", until=10.0)
    tale.returned(0.5, "c", "apple")
    tale.given(1, "a", "apple", until=11.0, redelivered=True)
    tale.killed(2, "a")
    tale.asked(4, "b")
    tale.over(60)
    assert tale.finds("L1") is Outcome.FAIL


def outlived(pattern: str = "fine", *, again: float | None) -> Tale:
    """`a` is cut off at 2 with an item; its pod is there until 14, when its lease is long over."""
    tale = Tale(pattern, figures=LEASED, faults=("killed",))
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.asked(1, "a")
    tale.given(1, "a", "apple", until=11.0 if pattern == "fine" else None)
    tale.cut_off(2, "killed", "a")
    tale.asked(2, "b")
    if again is not None:
        tale.given(again, "b", "apple", redelivered=True)
        tale.settled(again + 1, "b", "apple")
    tale.drop(ContainerSeen, worker=tale.worker("a"))
    tale.deleted(14, "a")
    tale.over(60)
    return tale


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_a_loss_counts_from_the_moment_in_which_it_was_cut_off(pattern: str) -> None:
    """A slow cluster changes nothing: its item was another's before its pod was gone."""
    assert outlived(pattern, again=11.2).finds("L1") is Outcome.PASS
    assert outlived(pattern, again=40).finds("L1") is Outcome.FAIL
    assert outlived(pattern, again=None).finds("L1") is Outcome.FAIL


def test_the_bound_counts_from_the_cut() -> None:
    assert outlived("coarse", again=22.0).finds("L1") is Outcome.PASS
    assert outlived("coarse", again=22.1).finds("L1") is Outcome.FAIL
    assert outlived("fine", again=22.0).finds("L1") is Outcome.PASS
    assert outlived("fine", again=22.1).finds("L1") is Outcome.FAIL


def test_what_became_of_an_equal_item_before_is_no_help() -> None:
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple", "apple")
    for who in "ab":
        tale.came(0, who)
    tale.worked(0.5, "b", "apple", 0.2)
    tale.given(1, "a", "apple", until=11.0)
    tale.killed(2, "a")
    tale.asked(4, "b")
    tale.over(60)
    assert tale.finds("L1") is Outcome.FAIL


def test_the_history_is_too_short() -> None:
    assert lost(again=None, last=15).finds("L1") is Outcome.UNKNOWN


def test_nobody_was_there_to_take_it() -> None:
    """The only other worker is at work all the time."""
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.killed(2, "a")
    tale.asked(2, "b")
    tale.given(2, "b", "banana", until=100.0)
    tale.over(100)
    assert tale.finds("L1") is Outcome.UNKNOWN


def test_nobody_was_lost_with_an_item() -> None:
    (finding,) = good_fine().judged("L1").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "nobody was lost with an item"


def test_given_back_in_time_is_not_lost() -> None:
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", until=11.0)
    tale.returned(2, "a", "apple")
    tale.exited(2.1, "a", 143)
    tale.over(60)
    assert tale.finds("L1") is Outcome.UNKNOWN


def test_a_pod_that_is_deleted() -> None:
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.deleted(3, "a")
    tale.asked(4, "b")
    tale.over(60)
    assert tale.what(tale.failure("L1")) == [ItemDelivered, PodSeen]


def test_cut_off_for_good() -> None:
    for pattern in ("fine", "coarse"):
        tale = Tale(pattern, figures=LEASED)
        tale.sent("apple")
        for who in "ab":
            tale.came(1, who)
        tale.given(1, "a", "apple", until=11.0)
        tale.cut(2, "a")
        tale.asked(4, "b")
        tale.over(60)
        assert tale.what(tale.failure("L1")) == [ItemDelivered, ConnectionCut]


def test_cut_off_and_back_again() -> None:
    """It keeps its lease over another connection."""
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.cut(2, "a")
    tale.connected(3, "a")
    tale.asked(4, "b")
    tale.settled(50, "a", "apple")
    tale.over(60)
    assert tale.finds("L1") is Outcome.UNKNOWN


def test_the_bound_is_reckoned_from_the_healing() -> None:
    tale = lost(again=None)
    tale.events.pop()
    tale.harmed(30, "killed", "a")
    tale.given(LATE, "b", "apple")
    tale.over(60)
    assert tale.finds("L1") is Outcome.PASS


def test_without_leases_nobody_can_say_by_when() -> None:
    tale = lost(again=None, figures=Figures(work=1.0))
    assert tale.finds("L1") is Outcome.FAIL
    tale = Tale("fine", figures=Figures(work=1.0))
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    tale.killed(2, "a")
    tale.asked(4, "b")
    tale.over(60)
    assert tale.finds("L1") is Outcome.UNKNOWN


def test_set_aside_is_dealt_with() -> None:
    tale = lost(again=None)
    tale.events.pop()
    tale.settled(14, "b", "apple", "dead")
    tale.over(60)
    assert tale.finds("L1") is Outcome.PASS


def test_the_next_run_of_its_container_may_take_it() -> None:
    tale = lost("coarse", again=None)
    tale.events.pop()
    tale.came(12, "a")
    tale.given(12, "a", "apple", redelivered=True)
    tale.over(60)
    assert tale.finds("L1") is Outcome.PASS


#: The lease is waited for up to 120 s, and after its end there are 25 s.
OWN = Bounds(reclaim=45, progress=5, end=60, pickup=25, lease=120)


def leased(until: float | None, again: float | None, last: float, **fields: Any) -> Tale:
    """`a` is killed at 2, and `b` is idle from 4 on; the item is `a`'s until some moment."""
    tale = Tale("fine", **{"figures": LEASED, "bounds": OWN, **fields})
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple", until=until)
    tale.killed(2, "a")
    tale.asked(4, "b")
    if again is not None:
        tale.given(again, "b", "apple", redelivered=True)
    tale.over(last)
    return tale


@pytest.mark.parametrize(
    ("again", "last", "outcome"),
    [
        (124.0, 130, Outcome.PASS),
        (126.0, 130, Outcome.FAIL),
        (None, 124, Outcome.UNKNOWN),
        (None, 126, Outcome.FAIL),
    ],
)
def test_the_bound_is_reckoned_from_the_end_of_its_own_lease(
    again: float | None, last: float, outcome: Outcome
) -> None:
    """A large item may have a long lease, whatever others have: here until 100."""
    assert leased(100.0, again, last).finds("L1") is outcome


def test_an_item_without_a_lease_of_its_own_has_that_of_others() -> None:
    assert leased(None, None, 70).finds("L1") is Outcome.FAIL
    assert leased(None, None, 40).finds("L1") is Outcome.UNKNOWN


def test_without_any_lease_it_is_never_late() -> None:
    known = {"figures": Figures(work=1.0), "bounds": Bounds(None, 5, 60, pickup=25, lease=120)}
    assert leased(None, 300.0, 310, **known).finds("L1") is Outcome.PASS
    assert leased(None, None, 310, **known).finds("L1") is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("until", "last", "outcome"),
    [(4000.0, 60, Outcome.FAIL), (4000.0, 40, Outcome.UNKNOWN), (400.0, 60, Outcome.UNKNOWN)],
)
def test_a_lease_that_is_out_of_proportion(until: float, last: float, outcome: Outcome) -> None:
    """Nobody waits for its end, but for whatever else may take the item back."""
    tale = leased(until, None, last)
    assert tale.finds("L1") is outcome
    (finding,) = tale.judged("L1").findings
    times = f"its lease lasts {until - 1:.0f} s, {until - 1:.0f} times the longest work"
    assert times in finding.reason
    assert leased(until, 20.0, 60).finds("L1") is Outcome.PASS
    work = {"figures": Figures(work=1800.0, lease=3600.0)}
    fits = Bounds(reclaim=8000, progress=5, end=60, pickup=4000, lease=54000)
    assert leased(until, None, last, bounds=fits, **work).finds("L1") is Outcome.UNKNOWN
