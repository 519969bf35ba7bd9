"""S7, justified duplicates: nobody is given an item once more without a reason."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Finding, Outcome, Verdict
from harness.history import RESTARTED, Figures, ItemDelivered, ItemEnqueued, ItemSettled
from harness.suites.unit.dsl.history import QUEUE, Tale, good_coarse, good_fine

FIRST = "t1"

LEASED = Figures(work=1.0, lease=10.0)


def taken(figures: Figures = LEASED, until: float | None = 11.0) -> Tale:
    """`a` and `b` are there, and `a` was given an item at 1."""
    tale = Tale("fine", figures=figures)
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=until)
    return tale


def finding(tale: Tale) -> Finding:
    """The only thing that S7 says."""
    verdict: Verdict = tale.judged("S7")
    (found,) = verdict.findings
    return found


def test_each_item_once() -> None:
    for tale in (good_fine(), good_coarse()):
        assert tale.finds("S7") is Outcome.PASS


def test_nobody_was_given_anything() -> None:
    tale = Tale()
    tale.sent("apple")
    tale.over(5)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "nobody was given an item that was enqueued"


def test_the_lease_was_over() -> None:
    tale = taken()
    tale.reclaimed(11.1, "b", "apple")
    tale.given(11.1, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.PASS


@pytest.mark.parametrize("over", [True, False])
def test_the_lease_was_not_over(over: bool) -> None:
    """What the first one says later is no part of it; half a history shows it as well."""
    tale = taken()
    tale.reclaimed(6, "b", "apple")
    tale.given(6, "b", "apple", redelivered=True)
    tale.settled(8, "a", "apple")
    if over:
        tale.over(20)
    found = finding(tale)
    assert found.outcome is Outcome.FAIL
    assert found.reason == "worker 2 was given apple although worker 1 had it, and was there"
    assert tale.what(found) == [ItemDelivered, ItemDelivered]


def test_of_several_the_last_holder_is_named() -> None:
    tale = taken()
    tale.came(1.5, "c")
    last = [tale.given(moment, who, "apple", until=20.0) for moment, who in ((4, "b"), (6, "c"))]
    tale.over(20)
    assert [one.outcome for one in tale.judged("S7").findings] == [Outcome.FAIL] * 2
    assert tale.judged("S7").findings[1].evidence == (*last,)


def test_how_often_with_a_reason() -> None:
    """Of equal ones only those count that are more than there are."""
    tale = Tale("fine", unique_items=False)
    tale.sent("apple", "banana", "banana", "cherry", "cherry", "date")
    tale.came(0.5, "a")
    for item, times in (("apple", 4), ("banana", 1), ("cherry", 3)):
        for moment in range(1, times + 1):
            tale.given(moment, "a", item)
            tale.returned(moment + 0.5, "a", item)
    tale.over(20)
    assert finding(tale).reason == "3 items delivered: 4 times once more, with a reason"


def test_a_renewal_counts() -> None:
    """Of many, the last one."""
    tale = taken(until=4.0)
    for moment in (3.0, 6.0, 9.0):
        tale.leased(moment, "a", "apple", moment + 3)
    tale.given(10, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.FAIL
    tale.drop(ItemDelivered, redelivered=True)
    tale.given(12.1, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.PASS


def test_other_reasons() -> None:
    """Death, a return, a lost connection: each is one for one delivery, and for no more."""
    for reason in ("killed", "returned", "cut"):
        tale = taken()
        if reason == "killed":
            tale.killed(2, "a")
        elif reason == "returned":
            tale.returned(2, "a", "apple")
        else:
            tale.cut(2, "a")
        tale.given(5, "b", "apple", redelivered=True, until=15.0)
        tale.over(30)
        assert tale.finds("S7") is Outcome.PASS, reason
        tale.events.pop()
        tale.came(5.5, "c")
        tale.given(6, "c", "apple", redelivered=True, until=16.0)
        tale.over(30)
        assert tale.finds("S7") is Outcome.FAIL, reason


def test_a_lease_does_not_hang_on_a_connection() -> None:
    """Some make one for each command."""
    tale = taken()
    tale.closed(2, "a")
    tale.given(5, "b", "apple", redelivered=True, until=15.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_settled_is_no_reason() -> None:
    tale = taken()
    tale.settled(2, "a", "apple")
    tale.given(5, "b", "apple", redelivered=True)
    tale.over(30)
    found = tale.failure("S7")
    assert found.reason == "worker 2 was given apple although worker 1 had settled it"
    assert tale.what(found) == [ItemDelivered, ItemSettled, ItemDelivered]


@pytest.mark.parametrize(("harmed", "outcome"), [(3, Outcome.UNKNOWN), (6, Outcome.FAIL)])
@pytest.mark.parametrize("settled", [True, False])
def test_a_broker_that_was_hurt_may_have_forgotten(
    settled: bool, harmed: float, outcome: Outcome
) -> None:
    """One that is hurt afterwards has no part in it."""
    tale = taken()
    if settled:
        tale.settled(2, "a", "apple")
    for moment in (3, 5, 6):
        if moment == harmed:
            tale.harmed(moment, RESTARTED)
        if moment == 5:
            tale.given(5, "b", "apple", redelivered=True)
    tale.over(30)
    assert finding(tale).outcome is outcome


def asked_again(*items: str, until: float | None = 11.0, settled: bool = False) -> Tale:
    """The answer to `a` was lost; it comes with another connection, and gets it then."""
    tale = Tale("fine", figures=LEASED if until else Figures(work=1.0), unique_items=False)
    tale.sent(*items)
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=until, token=FIRST)
    if settled:
        tale.settled(3, "a", "apple")
    tale.connected(5, "a")
    tale.given(6, "a", "apple", until=until, token=FIRST, redelivered=True)
    return tale


@pytest.mark.parametrize("until", [11.0, None])
@pytest.mark.parametrize(("settled", "outcome"), [(True, Outcome.FAIL), (False, Outcome.PASS)])
def test_asked_again_for_a_lost_answer(
    until: float | None, settled: bool, outcome: Outcome
) -> None:
    """Who has settled an item has had its answer."""
    tale = asked_again("apple", until=until, settled=settled)
    tale.over(30)
    assert tale.finds("S7") is outcome


def test_asked_again_and_given_back() -> None:
    """Nothing is left of the first answer, either."""
    tale = asked_again("apple")
    tale.returned(7, "a", "apple")
    tale.given(8, "b", "apple", until=18.0, redelivered=True)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS


def test_asked_again_for_one_of_two() -> None:
    tale = asked_again("apple", "apple")
    tale.given(7, "b", "apple", until=17.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS
    tale.events.pop()
    tale.given(8, "b", "apple", until=18.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


@pytest.mark.parametrize(
    ("first", "who", "second"),
    [
        ("t1", "a", "t2"),
        ("t2", "a", "t1"),
        ("t1", "b", "t2"),
        ("t2", "b", "t1"),
        ("t1", "b", "t1"),
        ("", "a", ""),
    ],
)
def test_another_worker_or_another_token_is_another_delivery(
    first: str, who: str, second: str
) -> None:
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple")
    for each in "ab":
        tale.came(0.5, each)
    tale.given(1, "a", "apple", until=11.0, token=first)
    tale.given(6, who, "apple", until=16.0, token=second)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_of_unknown_workers_nobody_can_say() -> None:
    """They may be two, though their tokens are the same."""
    tale = Tale("fine", figures=LEASED)
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who, owned=False)
        tale.given(1, who, "apple", until=11.0, token=FIRST)
    tale.over(30)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == (
        "an unknown worker was given apple, which an unknown worker had, and nobody can say "
        "whether it still did"
    )


def test_given_before_it_was_enqueued() -> None:
    """That was something else: what comes later is judged without it."""
    tale = Tale("fine", figures=LEASED)
    for who in "abc":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.put(2, "harness", ItemEnqueued("apple", QUEUE))
    tale.over(30)
    assert tale.finds("S7") is Outcome.UNKNOWN
    tale.events.pop()
    tale.given(3, "b", "apple", until=13.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS
    tale.events.pop()
    tale.given(5, "c", "apple", until=15.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_given_when_it_was_enqueued() -> None:
    """It is there at that very moment, and only once until it is enqueued once more."""
    tale = Tale("fine", figures=LEASED, unique_items=False)
    for who in "ab":
        tale.came(0.5, who)
    tale.put(1, "harness", ItemEnqueued("apple", QUEUE))
    tale.given(1, "a", "apple", until=11.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS
    tale.events.pop()
    tale.given(3, "b", "apple", until=13.0)
    tale.put(4, "harness", ItemEnqueued("apple", QUEUE))
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_equal_items_are_two() -> None:
    tale = Tale("fine", figures=LEASED, unique_items=False)
    tale.sent("apple", "apple")
    for who in "abc":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0)
    tale.given(1, "b", "apple", until=11.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.PASS
    tale.events.pop()
    tale.given(3, "c", "apple", until=11.0)
    tale.over(30)
    assert tale.finds("S7") is Outcome.FAIL


def test_without_leases_nobody_can_say() -> None:
    """Of any number, the last one is named."""
    tale = taken(Figures(work=1.0), until=None)
    tale.came(1.5, "c")
    shown = [tale.given(moment, who, "apple") for moment, who in ((6, "b"), (8, "c"))]
    tale.settled(9, "b", "apple")
    tale.over(20)
    findings = tale.judged("S7").findings
    assert [one.outcome for one in findings] == [Outcome.UNKNOWN] * 2
    assert findings[1].evidence == (*shown,)
    assert findings[1].reason == (
        "worker 3 was given apple, which worker 2 had, and nobody can say whether it still did"
    )


def test_one_of_two_is_settled_the_other_perhaps_not_free() -> None:
    """It is the other one that leaves the doubt."""
    tale = Tale("fine", unique_items=False)
    tale.sent("apple", "apple")
    for who in "abc":
        tale.came(0.5, who)
    first = tale.given(1, "a", "apple")
    tale.given(1, "b", "apple")
    tale.settled(2, "b", "apple")
    again = tale.given(3, "c", "apple", redelivered=True)
    tale.over(20)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.evidence == (first, again)
    tale.drop(ItemDelivered, redelivered=True)
    tale.events.pop()
    tale.returned(2.5, "a", "apple")
    tale.given(3, "c", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.PASS


def test_a_lease_that_was_not_there_yet() -> None:
    """Others of its kind have leases; this item was taken over before it had one."""
    tale = taken(until=None)
    tale.given(1.2, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.FAIL


@pytest.mark.parametrize(
    ("redelivered", "outcome"), [(True, Outcome.PASS), (False, Outcome.UNKNOWN)]
)
@pytest.mark.parametrize("copies", [1, 2])
def test_a_coarse_message_that_the_broker_calls_redelivered_had_come_back(
    copies: int, redelivered: bool, outcome: Outcome
) -> None:
    """It gives nothing out twice at a time; that the connection has ended is recorded later."""
    tale = Tale("coarse", completions=1, unique_items=copies == 1)
    tale.sent(*["apple"] * copies)
    for who in "abc":
        tale.came(0.5, who)
    if copies == 2:
        tale.given(1, "c", "apple")
    tale.given(1, "a", "apple")
    tale.given(2, "b", "apple", redelivered=redelivered)
    tale.closed(2.1, "a")
    tale.over(20)
    assert tale.finds("S7") is outcome


def test_what_was_settled_has_not_come_back() -> None:
    """Whatever the broker says: who acknowledges a message has had it."""
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple", effective=True)
    tale.given(3, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.FAIL


def test_a_coarse_message_comes_back_with_its_connection() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple")
    tale.killed(2, "a")
    tale.given(3, "b", "apple", redelivered=True)
    tale.over(20)
    assert tale.finds("S7") is Outcome.PASS
