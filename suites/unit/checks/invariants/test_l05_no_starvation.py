"""L5: while some items are given back again and again, the others have their turn."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Finding, Outcome, Verdict
from harness.history import ConnectionClosed, ItemEnqueued, ItemReturned, LeaseExpired
from harness.suites.unit.dsl.history import Tale, good_fine


def finding(tale: Tale) -> Finding:
    """The only thing that L5 says."""
    verdict: Verdict = tale.judged("L5")
    (found,) = verdict.findings
    return found


def given_back(times: int) -> Tale:
    """The apple is given back so many times; the banana waits. With two items 10 are allowed."""
    tale = Tale()
    tale.sent("apple", "banana")
    tale.came(1, "a")
    for moment in range(1, times + 1):
        tale.given(moment, "a", "apple")
        tale.returned(moment + 0.5, "a", "apple")
    tale.given(times + 1, "a", "apple")
    tale.settled(times + 1.5, "a", "apple", "dead")
    return tale


def test_all_have_their_turn() -> None:
    tale = given_back(10)
    tale.worked(12, "a", "banana")
    tale.over(20)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert found.reason == (
        "10 times an item was given back, and none was overtaken more than 10 times"
    )
    assert found.evidence == returns(tale)[:1]


def returns(tale: Tale) -> tuple[int, ...]:
    return tuple(one.id for one in tale.events if isinstance(one.what, ItemReturned))


def test_what_is_taken_in_the_same_moment_is_not_overtaken() -> None:
    tale = given_back(10)
    tale.given(11, "a", "banana")
    tale.settled(11.5, "a", "banana")
    tale.over(20)
    assert finding(tale).reason.endswith("none was overtaken more than 9 times")


def test_what_its_queue_has_set_aside_waits_for_nobody() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple", "banana")
    for moment in (1, 5, 9):
        tale.came(moment, "a")
        tale.given(moment, "a", "apple")
        tale.returned(moment + 1, "a", "apple")
        tale.exited(moment + 2, "a", 1)
    tale.came(13, "a")
    tale.worked(14, "a", "banana")
    tale.exited(16, "a")
    tale.left(19, "apple", where="dead", queue="queue.dead")
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_who_fails_and_hangs_up_has_given_back() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.exited(2, "a", 1)
    for name in ("apple", "banana"):
        tale.came(4, name)
        tale.worked(5, name, name)
        tale.exited(7, name)
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def lease_over(moment: float, then: str) -> Tale:
    """The lease on the apple, until 7, is over; then somebody puts it back or takes it."""
    tale = Tale()
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.came(1, "b")
    tale.given(1, "a", "apple", until=7.0)
    tale.put(moment, "tap", LeaseExpired("apple", at=moment))
    if then == "next run":
        tale.exited(moment + 1, "a", 1)
        tale.came(moment + 2, "a")
        tale.returned(moment + 3, "a", "apple")
    else:
        tale.reclaimed(moment + 3, then, "apple")
    for item in ("apple", "banana"):
        tale.worked(moment + 4, "a" if then == "next run" else then, item)
    tale.over(20)
    return tale


@pytest.mark.parametrize("then", ["next run", "b"])
def test_who_ends_its_own_lease_has_given_back(then: str) -> None:
    tale = lease_over(2, then)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert found.reason.startswith("1 time an item was given back")
    assert tale.view().attempts[0].how == "returned"


@pytest.mark.parametrize("then", ["next run", "b"])
def test_whose_lease_runs_out_has_given_nothing_back(then: str) -> None:
    tale = lease_over(7, then)
    assert finding(tale).reason == "nobody has given an item back"
    assert tale.view().attempts[0].how == "reclaimed"


def test_a_lease_that_is_taken_anew_is_not_given_up() -> None:
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple", until=7.0)
    tale.put(2, "tap", LeaseExpired("apple", at=2.0))
    tale.leased(2, "a", "apple", 8.0)
    tale.put(8, "tap", LeaseExpired("apple", at=8.0))
    tale.reclaimed(9, "b", "apple")
    tale.worked(10, "b", "apple")
    tale.over(20)
    assert finding(tale).outcome is Outcome.UNKNOWN


def test_who_was_killed_has_given_nothing_back() -> None:
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.killed(2, "a")
    tale.came(4, "b")
    tale.worked(5, "b", "apple")
    tale.over(20)
    assert tale.finds("L5") is Outcome.UNKNOWN


def test_one_is_overtaken_for_ever() -> None:
    tale = given_back(11)
    tale.worked(13, "a", "banana")
    tale.over(20)
    found = tale.failure("L5")
    assert found.reason == (
        "banana was overtaken 11 times by what came to the queue after it; with 2 items the bound "
        "is 10"
    )
    assert tale.what(found) == [ItemEnqueued, ItemReturned, ItemReturned]
    assert found.evidence == (2, returns(tale)[0], returns(tale)[-1])


@pytest.mark.parametrize("moment", [13, 12.8])
def test_who_is_taken_with_it_or_later_has_not_overtaken_it(moment: float) -> None:
    """The apple is given out at 13 for the last time."""
    tale = given_back(12)
    tale.given(moment, "a", "banana")
    tale.settled(14, "a", "banana")
    tale.over(20)
    found = tale.failure("L5")
    assert found.evidence == (2, returns(tale)[0], returns(tale)[10])


def test_one_never_has_its_turn() -> None:
    tale = given_back(11)
    tale.over(20)
    assert tale.finds("L5") is Outcome.FAIL


def test_what_is_sent_later_and_taken_first_has_overtaken_it_too() -> None:
    tale = Tale(max_attempts=1)
    tale.sent("banana")
    tale.came(1, "a")
    tale.sent("apple")
    for moment in range(2, 5):
        tale.given(moment, "a", "apple")
        tale.returned(moment + 0.5, "a", "apple")
    tale.worked(6, "a", "apple")
    tale.over(20)
    assert tale.failure("L5").reason.startswith("banana was overtaken 4 times ")


def test_how_often_is_for_the_user_to_say() -> None:
    tale = given_back(11)
    tale.header = Tale(max_attempts=6).header
    tale.worked(13, "a", "banana")
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_one_still_waits() -> None:
    tale = given_back(3)
    tale.over(20.5)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "banana still waited when the history ended"
    assert found.evidence == (2,)


def test_it_has_its_turn_in_the_very_last_moment() -> None:
    tale = given_back(3)
    tale.given(20, "a", "banana")
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def hung_up(*, returned: bool) -> Tale:
    """Whoever has the apple fails and hangs up, three times; two are allowed."""
    tale = Tale("coarse", completions=1, max_attempts=1)
    tale.sent("apple", "banana")
    for moment in (1, 5, 9):
        tale.came(moment, "a")
        tale.given(moment, "a", "apple")
        if returned and moment == 9:
            tale.returned(moment + 0.5, "a", "apple")
        tale.exited(moment + 1, "a", 1)
    tale.came(13, "a")
    tale.worked(13, "a", "apple")
    tale.exited(15, "a")
    tale.over(20)
    return tale


def test_a_queue_that_puts_it_back_where_it_was_counts_nothing() -> None:
    tale = hung_up(returned=False)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason.startswith("an item was given back by hanging up: ")
    closed = [one.id for one in tale.events if isinstance(one.what, ConnectionClosed)]
    assert found.evidence == (closed[0],)


def test_who_gives_back_only_once_is_to_blame() -> None:
    assert hung_up(returned=True).finds("L5") is Outcome.FAIL


def test_what_comes_back_in_the_same_moment_has_not_come_later() -> None:
    """`a` hangs up on both, and the apple is taken first, two times more: two are allowed."""
    tale = Tale("coarse", completions=1, max_attempts=1)
    tale.sent("apple", "banana")
    for moment, back in ((1, 2), (5, 5.5)):
        tale.came(moment, "a")
        tale.given(moment, "a", "apple")
        if moment == 1:
            tale.given(moment, "a", "banana")
        tale.exited(back, "a", 1)
    tale.came(7, "a")
    tale.given(7, "a", "apple")
    tale.returned(8, "a", "apple")
    tale.worked(9, "a", "apple")
    tale.worked(11, "a", "banana")
    tale.over(20)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert found.reason.endswith("none was overtaken more than 2 times")


def test_what_comes_back_in_the_same_moment_is_not_shown() -> None:
    tale = Tale("coarse", completions=1, max_attempts=1)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.given(1, "a", "banana")
    tale.exited(2, "a", 1)
    tale.came(5, "b")
    for moment in (5, 6, 7):
        tale.given(moment, "b", "apple")
        tale.returned(moment + 0.5, "b", "apple")
    tale.worked(9, "b", "apple")
    tale.worked(11, "b", "banana")
    tale.over(20)
    found = tale.failure("L5")
    assert found.reason.startswith("banana was overtaken 3 times ")
    assert tale.what(found) == [ConnectionClosed, ItemReturned, ItemReturned]
    assert found.evidence[1:] == (returns(tale)[0], returns(tale)[-1])


def test_who_is_given_back_may_be_overtaken_too() -> None:
    """By what came after it, that is; not by what was there before."""
    tale = Tale(max_attempts=1)
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.returned(1.5, "a", "apple")
    for moment, item in ((2, "banana"), (4, "cherry"), (6, "apple")):
        tale.worked(moment, "a", item)
    tale.over(20)
    assert tale.finds("L5") is Outcome.PASS


def test_nobody_gives_anything_back() -> None:
    assert nobody_has(good_fine())


def nobody_has(tale: Tale) -> bool:
    found = finding(tale)
    return (found.outcome, found.reason) == (Outcome.UNKNOWN, "nobody has given an item back")


def test_what_another_settles_is_not_given_back() -> None:
    tale = Tale()
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(2, None, "apple")
    tale.exited(3, "a", 1)
    tale.over(20)
    assert nobody_has(tale)


def test_what_is_in_the_dead_letter_place_twice_has_waited_for_nobody() -> None:
    """Nobody can have seen such a history; it is judged all the same."""
    tale = Tale()
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.sent("apple")
    tale.returned(2, "a", "apple")
    tale.left(19, "apple", "apple", where="dead", queue="queue.dead")
    tale.over(20)
    found = finding(tale)
    assert found.reason == "1 time an item was given back, and none was overtaken more than 0 times"
