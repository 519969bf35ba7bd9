"""L8: who is lost when others have left, or could have: its item is done all the same."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Finding, Outcome, Verdict
from harness.history import ContainerSeen, ItemDelivered, JobSeen
from harness.suites.unit.dsl.history import Tale, good_fine


def finding(tale: Tale) -> Finding:
    """The only thing that L8 says."""
    verdict: Verdict = tale.judged("L8")
    (found,) = verdict.findings
    return found


def nobody(tale: Tale) -> bool:
    found = finding(tale)
    return (found.outcome, found.reason) == (
        Outcome.UNKNOWN,
        "no worker was lost after another had left, or could have",
    )


def lost(*, left: bool) -> Tale:
    """`a` has the apple and is killed at 6; `b` has asked since 3, or left at 4."""
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    tale.worked(1, "b", "banana")
    tale.asked(3, "b")
    tale.empty(3, "b")
    if left:
        tale.exited(4, "b")
    tale.killed(6, "a")
    return tale


def test_the_others_had_left_and_the_item_is_not_done() -> None:
    tale = lost(left=True)
    tale.job(7, "Complete")
    tale.left(8, "apple", where="leased")
    tale.over(9)
    assert tale.finds("L8") is Outcome.FAIL
    seen = tale.what(tale.failure("L8"))
    assert seen == [ItemDelivered, ContainerSeen, ContainerSeen, JobSeen]


def test_the_job_is_not_complete() -> None:
    tale = lost(left=True)
    tale.over(9)
    assert tale.finds("L8") is Outcome.UNKNOWN


def test_the_others_had_left_and_the_item_was_done_before() -> None:
    tale = Tale()
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.worked(1, "a", "apple")
    tale.exited(4, "b")
    tale.killed(6, "a")
    tale.job(7, "Complete")
    tale.over(9)
    assert tale.finds("L8") is Outcome.PASS


def test_the_others_have_stayed() -> None:
    tale = lost(left=False)
    tale.given(12, "b", "apple")
    tale.settled(13, "b", "apple")
    tale.exited(14, "b")
    tale.job(15, "Complete")
    tale.over(16)
    assert tale.finds("L8") is Outcome.PASS


def test_one_that_connects_for_each_command_has_hung_up_long_before_its_end() -> None:
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    tale.closed(1, "a")
    tale.worked(1, "b", "banana")
    tale.asked(3, "b")
    tale.killed(6, "a")
    tale.given(12, "b", "apple")
    tale.settled(13, "b", "apple")
    tale.exited(14, "b")
    tale.over(15)
    assert tale.finds("L8") is Outcome.PASS


def test_the_others_were_at_work() -> None:
    """So nobody was tempted to leave: that shows nothing."""
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    tale.given(1, "b", "banana")
    tale.killed(2, "a")
    tale.settled(4, "b", "banana")
    tale.given(4, "b", "apple")
    tale.settled(5, "b", "apple")
    tale.exited(6, "b")
    tale.job(7, "Complete")
    tale.over(8)
    assert nobody(tale)


@pytest.mark.parametrize(
    ("since", "until", "waited"),
    [
        (1, 2, False),
        (1, 3, False),  # it was given out in that moment
        (1, 3.5, True),
        (5, 8, True),
        (6, 8, False),  # its worker ended in that moment
        (7, 8, False),
    ],
)
def test_another_found_nothing_to_do_while_it_had_it(
    since: float, until: float, waited: bool
) -> None:
    """`a` has the apple from 3 on, and is killed at 6; `b` waits from one moment to another."""
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(0, who)
    steps = [
        (3, lambda: tale.given(3, "a", "apple")),
        (6, lambda: tale.killed(6, "a")),
        (since, lambda: tale.asked(since, "b")),
        (until, lambda: tale.given(until, "b", "banana")),
    ]
    for _, step in sorted(steps, key=lambda one: one[0]):
        step()
    tale.settled(11, "b", "banana")
    tale.given(12, "b", "apple")
    tale.settled(13, "b", "apple")
    tale.over(15)
    if waited:
        found = finding(tale)
        assert found.outcome is Outcome.PASS
        assert found.reason == (
            "worker 1 was lost with apple while others found nothing to do: they stayed, and it is "
            "done"
        )
        assert tale.what(found) == [ItemDelivered, ContainerSeen]
    else:
        assert nobody(tale)


def test_what_it_has_had_last_is_what_it_was_lost_with() -> None:
    """It comes after one that had nothing to do, and had done another one before."""
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.asked(1, "a")
    tale.exited(2, "a")
    tale.worked(1, "b", "apple")
    tale.given(3, "b", "banana")
    tale.killed(6, "b")
    tale.job(7, "Complete")
    tale.over(9)
    assert tale.failure("L8").reason == (
        "worker 1 had left with success, worker 2 was lost with banana, and the Job is Complete "
        "without it"
    )


def test_nobody_was_lost() -> None:
    assert nobody(good_fine())


def hung_up(*, cut: bool = False) -> Tale:
    """`b` closes its only connection at 4, and the kubelet reports its exit after the loss."""
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    tale.worked(1, "b", "banana")
    if cut:
        tale.cut(4, "b")
    tale.closed(4, "b")
    tale.killed(6, "a")
    tale.exited(6.5, "b")
    tale.left(12, "apple", where="leased")
    tale.job(13, "Complete", succeeded=2)
    tale.over(14)
    return tale


def test_a_worker_has_left_when_it_has_closed_its_connections() -> None:
    assert finding(hung_up()).outcome is Outcome.FAIL


def test_a_worker_that_was_cut_off_has_not_left() -> None:
    assert finding(hung_up(cut=True)).outcome is Outcome.UNKNOWN


def test_what_counts_is_when_the_lost_worker_was_cut_off() -> None:
    """Its pod's end is seen late, and may have been any time since its last sign of life."""
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    tale.began(1.1, "a", "apple")
    tale.worked(1, "b", "banana")
    tale.closed(4, "b")
    tale.cut_off(5, "pod deleted", "a")
    tale.exited(6, "b")
    tale.deleted(7, "a")
    tale.left(12, "apple", where="leased")
    tale.job(13, "Complete", succeeded=1)
    tale.over(14)
    assert finding(tale).outcome is Outcome.FAIL


def test_an_item_that_came_when_a_worker_had_hung_up_accuses_it_of_nothing() -> None:
    tale = Tale()
    tale.sent("banana")
    for who in "ab":
        tale.came(1, who)
    tale.worked(1, "b", "banana")
    tale.closed(3, "b")
    tale.sent("apple")
    tale.given(4, "a", "apple")
    tale.cut_off(5, "pod deleted", "a")
    tale.exited(6, "b")
    tale.deleted(7, "a")
    tale.left(12, "apple", where="leased")
    tale.job(13, "Complete", succeeded=1)
    tale.over(14)
    assert finding(tale).outcome is Outcome.UNKNOWN
