"""S14, conservation: what was sent is settled or left, equal items each for itself."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    BrokerDepth,
    ConnectionOwner,
    ItemDelivered,
    ItemEnqueued,
    ItemLeft,
    ItemSettled,
    ItemStarted,
)
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


def equal(pattern: str = "fine", copies: int = 2) -> Tale:
    """Each of two workers has one of the equal items."""
    tale = Tale(pattern, completions=copies if pattern == "coarse" else None, unique_items=False)
    tale.sent(*["apple"] * copies)
    for who in "ab":
        tale.came(0, who)
        tale.given(1, who, "apple")
        tale.began(1, who, "apple")
    return tale


def ended(tale: Tale) -> Tale:
    tale.job(6, "Complete", succeeded=2)
    tale.left(9)
    tale.over(10)
    return tale


def events(tale: Tale, *kinds: type) -> list[int]:
    """The ids of all events of these kinds."""
    return [one.id for one in tale.events if isinstance(one.what, kinds)]


@pytest.mark.parametrize("tale", [good_fine(), good_coarse()], ids=["fine", "coarse"])
def test_all_are_settled(tale: Tale) -> None:
    (found,) = tale.judged("S14").findings
    assert found.outcome is Outcome.PASS
    assert found.reason == "2 payloads, each as often settled or left as sent"


def test_the_last_that_was_looked_at_is_shown() -> None:
    tale = good_fine()
    last = tale.left(9.5, queue="queue:dead")
    assert [one.evidence for one in tale.judged("S14").findings] == [(last,)]


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_equal_items_settled_one_by_one(pattern: str) -> None:
    tale = equal(pattern)
    for moment, who in ((2, "a"), (3, "b")):
        tale.settled(moment, who, "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_one_after_the_other_by_the_same_worker() -> None:
    tale = equal(copies=3)
    for who in "ab":
        tale.settled(2, who, "apple")
    tale.worked(3, "a", "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_what_is_left_or_set_aside_is_accounted_for() -> None:
    tale = equal(copies=4)
    tale.settled(2, "a", "apple")
    tale.settled(2, "b", "apple", "dead")
    tale.left(9, "apple", "apple")
    tale.left(9, "apple", where="dead", queue="queue:dead")
    tale.over(10)
    assert tale.finds("S14") is Outcome.PASS


def test_what_is_not_settled_is_still_there() -> None:
    tale = equal()
    tale.settled(2, "a", "apple")
    tale.left(9, "apple")
    tale.over(10)
    assert tale.finds("S14") is Outcome.PASS


@pytest.mark.parametrize("copies", [4, 5])
def test_what_nobody_sees_set_aside_is_accounted_for(copies: int) -> None:
    """Its worker's word is enough: not every broker has a place for what is refused."""
    tale = equal(copies=copies)
    tale.settled(2, "a", "apple", "refused")
    tale.settled(2, "b", "apple")
    if copies > 4:
        tale.worked(3, "b", "apple")
    tale.left(9, "apple", "apple")
    tale.over(10)
    assert tale.finds("S14") is Outcome.PASS


def test_what_is_refused_may_come_back() -> None:
    """Where its dead-letter place leads to the queue again."""
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    tale.came(0, "a")
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple", "refused")
    tale.left(9, "apple")
    tale.over(10)
    assert tale.finds("S14") is Outcome.PASS


@pytest.mark.parametrize("where", ["dead", "leased", "unacked"])
def test_an_archive_of_what_was_done_is_no_second_item(where: str) -> None:
    """What is neither ready nor set aside is taken to be leased."""
    tale = good_fine()
    tale.drop(BrokerDepth)
    tale.left(9, "apple", where=where, queue="queue:done")
    assert tale.finds("S14") is Outcome.PASS


def test_both_go_when_one_is_done() -> None:
    """`LREM key 0 apple`: the other worker's item goes with it."""
    tale = equal()
    for _ in range(2):
        tale.settled(2, "a", "apple")
    tale.settled(3, "b", "apple", effective=False)
    finding = ended(tale).failure("S14")
    assert tale.what(finding) == [ItemDelivered, ItemDelivered, ItemSettled, ItemSettled]
    assert finding.reason == "worker 1 was given apple once, and twice it was settled with that"


def test_what_still_waits_goes_with_it() -> None:
    tale = equal(copies=3)
    tale.settled(2, "a", "apple")
    tale.given(2, "a", "apple", final=True)
    tale.settled(3, "b", "apple")
    finding = ended(tale).failure("S14")
    assert "given apple once, and twice" in finding.reason


def test_who_never_says_what_it_begins_may_have_begun_it() -> None:
    tale = equal(copies=3)
    tale.drop(ItemStarted)
    tale.settled(2, "a", "apple")
    tale.given(2, "a", "apple", final=True)
    tale.settled(3, "b", "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_what_was_taken_for_good_before_is_its_own() -> None:
    tale = equal(copies=3)
    tale.given(1.5, "a", "apple", final=True)
    tale.settled(2, "a", "apple")
    tale.settled(3, "b", "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_it_is_the_worker_that_counts_and_not_its_connection() -> None:
    tale = equal(copies=3)
    tale.settled(2, "a", "apple")
    first = tale.connection("a")
    tale.connected(2, "a")
    assert tale.connection("a") != first
    along = tale.given(2, "a", "apple", final=True)
    tale.settled(3, "b", "apple")
    finding = ended(tale).failure("S14")
    of_a, *_ = events(tale, ItemDelivered)
    settled, _ = events(tale, ItemSettled)
    assert finding.evidence == (of_a, settled, along)


def test_what_one_is_given_later_is_another() -> None:
    """It had settled more than it was given then."""
    tale = equal(copies=3)
    for _ in range(2):
        tale.settled(2, "a", "apple")
    tale.given(3, "a", "apple")
    finding = ended(tale).failure("S14")
    assert finding.reason == "worker 1 was given apple once, and twice it was settled with that"


def test_one_that_was_given_none() -> None:
    tale = equal()
    tale.came(2, "c")
    tale.settled(2, "c", "apple")
    finding = ended(tale).failure("S14")
    assert finding.reason == "worker 3 was given apple never, and once it was settled with that"


def test_one_of_those_who_lost_theirs_is_shown() -> None:
    tale = equal(copies=3)
    tale.came(1, "c")
    tale.given(1, "c", "apple")
    for _ in range(3):
        tale.settled(2, "a", "apple")
    of_a, of_b, _ = events(tale, ItemDelivered)
    finding = ended(tale).failure("S14")
    assert finding.evidence == (of_a, of_b, *events(tale, ItemSettled))


def test_what_another_sets_aside_is_not_settled_with_its_own() -> None:
    """As who finds that it was taken over too often."""
    tale = equal()
    tale.settled(2, "a", "apple")
    tale.settled(3, "a", "apple", "dead")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_who_may_settle_a_single_item_is_not_asked() -> None:
    """That is another guarantee: here nothing went with it."""
    tale = Tale("fine")
    tale.sent("apple")
    for who in "ab":
        tale.came(0, who)
    tale.given(1, "a", "apple")
    tale.settled(2, "b", "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


@pytest.mark.parametrize("began", [True, False])
def test_who_takes_the_next_one_for_good_has_taken_it(began: bool) -> None:
    """What is taken in the moment of a report is no work left out: its worker begins it."""
    tale = equal(copies=3)
    tale.settled(2, "a", "apple")
    tale.given(2 if began else 2.5, "a", "apple", final=True)
    if began:
        tale.began(2.1, "a", "apple")
    tale.settled(3, "b", "apple")
    assert ended(tale).finds("S14") is Outcome.PASS


def test_nobody_knows_who_was_given_what() -> None:
    tale = equal()
    tale.drop(ConnectionOwner, connection=tale.connection("b"))
    for _ in range(2):
        tale.settled(2, "a", "apple")
    assert ended(tale).finds("S14") is Outcome.UNKNOWN


def test_settled_and_still_there() -> None:
    tale = good_fine()
    tale.drop(BrokerDepth)
    tale.left(9, "apple")
    assert tale.what(tale.failure("S14")) == [ItemEnqueued, ItemSettled, ItemLeft]


def test_equal_ones_settled_and_still_there() -> None:
    """The last of them is shown."""
    tale = equal()
    for who in "ab":
        tale.settled(2, who, "apple")
    tale.left(9, "apple", "apple")
    tale.over(10)
    _, sent = events(tale, ItemEnqueued)
    _, left = events(tale, ItemLeft)
    finding = tale.failure("S14")
    assert finding.reason == "apple was sent twice, settled twice, and is still there"
    assert finding.evidence == (sent, *events(tale, ItemSettled), left)


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_gone_and_nobody_ever_had_it(pattern: str) -> None:
    tale = good_fine() if pattern == "fine" else good_coarse()
    tale.put(10, "harness", ItemEnqueued("cherry", "queue"))
    tale.drop(BrokerDepth)
    tale.left(11)
    tale.over(12)
    assert tale.what(tale.failure("S14")) == [ItemEnqueued, BrokerDepth]


def test_gone_from_somebodys_hands() -> None:
    """It may have been settled in a way that was not understood, or set aside by the broker."""
    tale = equal()
    tale.settled(2, "a", "apple")
    assert ended(tale).finds("S14") is Outcome.UNKNOWN


def test_the_last_of_equal_ones_is_gone() -> None:
    tale = equal()
    tale.settled(2, "a", "apple")
    tale.left(9)
    last = tale.left(9, queue="queue:dead")
    tale.over(10)
    _, sent = events(tale, ItemEnqueued)
    (found,) = tale.judged("S14").findings
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "apple is gone from the broker, and nobody has settled it"
    assert found.evidence == (sent, last)


def test_what_is_found_set_aside_is_the_one_that_was_seen_to_be() -> None:
    """So another one is gone."""
    tale = equal()
    tale.settled(2, "a", "apple", "dead")
    tale.left(9, "apple", where="dead", queue="queue:dead")
    tale.over(10)
    assert tale.finds("S14") is Outcome.UNKNOWN


def test_one_of_many_is_gone() -> None:
    tale = equal(copies=5)
    for who in "ab":
        tale.settled(2, who, "apple")
    tale.left(9, "apple", "apple")
    tale.over(10)
    assert tale.finds("S14") is Outcome.UNKNOWN


def test_one_is_set_aside_and_one_is_gone() -> None:
    tale = equal(copies=3)
    tale.settled(2, "a", "apple")
    tale.settled(2, "b", "apple", "dead")
    assert ended(tale).finds("S14") is Outcome.UNKNOWN


def test_a_broker_that_was_harmed_may_have_lost_it() -> None:
    tale = good_fine(faults=("broker killed",))
    tale.sent("cherry")
    tale.harmed(10, "broker killed")
    tale.drop(BrokerDepth)
    tale.left(11)
    tale.over(12)
    assert tale.finds("S14") is Outcome.UNKNOWN


def test_nobody_has_looked() -> None:
    tale = good_fine()
    tale.drop(BrokerDepth)
    assert tale.finds("S14") is Outcome.UNKNOWN
