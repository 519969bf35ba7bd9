"""L4: an item that kills its workers is tried a few times, then set aside; others are done."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Finding, Outcome, Verdict
from harness.history import ItemDelivered, ItemEnqueued, ItemLeft, ItemSettled
from harness.suites.unit.dsl.history import Tale, good_fine


def finding(tale: Tale) -> Finding:
    """The only thing that L4 says."""
    verdict: Verdict = tale.judged("L4")
    (found,) = verdict.findings
    return found


def poisoned(deaths: int, pattern: str = "fine", **fields: object) -> Tale:
    """The apple kills one worker after the other; the banana is done."""
    tale = Tale(pattern, **fields)
    tale.sent("apple", "banana")
    for number in range(deaths):
        who = f"w{number}"
        tale.came(10 * number + 1, who)
        if number == 0:
            tale.worked(1, who, "banana")
        tale.given(10 * number + 2, who, "apple")
        tale.killed(10 * number + 3, who)
    tale.came(100, "z")
    return tale


def test_it_is_set_aside() -> None:
    tale = poisoned(3)
    tale.settled(101, "z", "apple", how="dead")
    tale.over(110)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert found.reason.startswith("apple was set aside after 3 workers had died of it")
    assert tale.what(found) == [ItemDelivered] * 3 + [ItemSettled]


@pytest.mark.parametrize("how", ["acked", "refused"])
def test_of_equal_ones_the_one_that_was_set_aside_is_shown(how: str) -> None:
    tale = poisoned(2)
    tale.sent("apple", "apple")
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple", how=how)
    first = tale.settled(103, None, "apple", how="dead")
    tale.settled(104, None, "apple", how="dead")
    tale.over(110)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert found.evidence[-1] == first


def test_it_is_tried_once_too_often() -> None:
    tale = poisoned(5)
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.FAIL
    assert tale.what(tale.failure("L4")) == [ItemDelivered] * 6


def test_how_often_is_for_the_user_to_say() -> None:
    tale = poisoned(5, max_attempts=6)
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.UNKNOWN


def test_a_queue_that_counts_nothing() -> None:
    tale = poisoned(5, "coarse", completions=2)
    tale.given(101, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.UNKNOWN


def test_a_queue_that_counts_sets_it_aside() -> None:
    """Without a word on the wire: it is found in the dead-letter place."""
    tale = poisoned(5, "coarse", completions=4)
    tale.left(109, "apple", where="dead", queue="queue.dead")
    tale.over(110)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert tale.what(found) == [ItemDelivered] * 5 + [ItemLeft]


def test_what_is_found_elsewhere_was_not_set_aside() -> None:
    tale = poisoned(2)
    tale.left(109, "apple", where="leased")
    tale.over(110)
    assert finding(tale).reason.endswith("was not set aside yet")


@pytest.mark.parametrize("times", [1, 2])
def test_who_sends_it_anew_is_to_blame(times: int) -> None:
    """That it was done once is enough to show it."""
    tale = poisoned(5, "coarse", completions=4)
    tale.sent(*["apple"] * times)
    tale.given(101, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.FAIL
    kinds = [ItemDelivered] * 5 + [ItemEnqueued, ItemDelivered]
    assert tale.what(tale.failure("L4")) == kinds


def test_who_sends_it_anew_after_its_first_attempt_makes_no_second_one_of_it() -> None:
    tale = poisoned(1, "coarse", completions=4)
    tale.sent("apple")
    for number in range(1, 5):
        tale.came(10 * number + 1, f"w{number}")
        tale.given(10 * number + 2, f"w{number}", "apple")
        tale.killed(10 * number + 3, f"w{number}")
    tale.given(101, "z", "apple")
    tale.over(110)
    assert tale.finds("L4") is Outcome.FAIL


def test_the_rest_is_not_done() -> None:
    tale = poisoned(3)
    tale.sent("cherry")
    tale.settled(101, "z", "apple", how="dead")
    tale.over(110)
    assert tale.finds("L4") is Outcome.UNKNOWN


@pytest.mark.parametrize("deaths", [0, 1])
def test_too_few_have_died(deaths: int) -> None:
    """One death may be chance."""
    tale = poisoned(deaths)
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple")
    tale.over(110)
    assert nobody_died_of_it(tale)


def nobody_died_of_it(tale: Tale) -> bool:
    found = finding(tale)
    return (found.outcome, found.reason) == (
        Outcome.UNKNOWN,
        "no item has taken the lives of its workers",
    )


def test_two_have_died_and_it_is_not_set_aside() -> None:
    tale = poisoned(2)
    tale.over(110)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "apple has taken the lives of 2 workers, and was not set aside yet"


def test_of_equal_ones_nobody_can_say_which_was_tried_how_often() -> None:
    """Three have died of one and two of the other, which is allowed."""
    tale = Tale()
    tale.sent("apple", "apple", "banana")
    for number in range(5):
        tale.came(10 * number + 1, f"w{number}")
        tale.given(10 * number + 2, f"w{number}", "apple")
        tale.killed(10 * number + 3, f"w{number}")
    tale.came(100, "z")
    tale.given(101, "z", "apple")
    tale.over(110)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason.startswith("5 workers had died of items equal to apple")
    assert tale.what(found) == [ItemDelivered] * 6


@pytest.mark.parametrize(("most", "deaths"), [(1, 1), (1, 2), (2, 2), (2, 3), (5, 6)])
def test_the_first_that_was_given_it_all_the_same_is_shown(most: int, deaths: int) -> None:
    """Whether it died of it, too, or did it."""
    tale = poisoned(deaths, max_attempts=most)
    tale.given(101, "z", "apple")
    tale.settled(102, "z", "apple")
    tale.over(110)
    found = tale.failure("L4")
    died = "1 worker" if most == 1 else f"{most} workers"
    assert found.reason == f"apple was tried once more after {died} had died of it"
    given = [one.id for one in tale.events if isinstance(one.what, ItemDelivered)]
    apples = given[1:]  # the banana was given first
    assert found.evidence == tuple(apples[: most + 1])


def test_who_still_has_it_has_not_died_of_it() -> None:
    tale = poisoned(1)
    tale.given(101, "z", "apple")
    tale.over(110)
    assert nobody_died_of_it(tale)


def test_whoever_had_it_is_not_known() -> None:
    tale = poisoned(1)
    tale.connected(101, "z", owned=False)
    tale.given(102, "z", "apple")
    tale.over(110)
    assert nobody_died_of_it(tale)


def test_whoever_lost_it_before_has_not_died_of_it() -> None:
    """It was given to the next one before its worker's end."""
    tale = Tale()
    tale.sent("apple")
    for number in range(3):
        tale.came(10 * number, f"w{number}")
        tale.given(10 * number, f"w{number}", "apple")
        if number:
            tale.killed(10 * number + 2, f"w{number - 1}")
    tale.over(40)
    assert nobody_died_of_it(tale)


def test_who_gives_back_has_not_died_of_it() -> None:
    tale = Tale()
    tale.sent("apple")
    for number in range(7):
        who = f"w{number}"
        tale.came(number, who)
        tale.given(number, who, "apple")
        tale.returned(number + 0.5, who, "apple")
        tale.exited(number + 0.6, who, 1)
    tale.over(20)
    assert nobody_died_of_it(tale)


@pytest.mark.parametrize("how", ["dead", None])
def test_who_has_answered_for_it_at_its_very_end_has_not_died_of_it(how: str | None) -> None:
    """It gives back or sets aside, and hangs up in the same moment."""
    tale = Tale()
    tale.sent(*["apple"] * 3)
    for number in range(3):
        who = f"w{number}"
        tale.came(number, who)
        tale.given(number, who, "apple")
        if how is None:
            tale.returned(number + 0.5, who, "apple")
        else:
            tale.settled(number + 0.5, who, "apple", how=how)
        tale.exited(number + 0.5, who, 1)
    tale.over(20)
    assert nobody_died_of_it(tale)


def test_nobody_died() -> None:
    assert nobody_died_of_it(good_fine())
