"""S6, no resurrection: what was settled is not given to anybody again."""

from __future__ import annotations

from harness.checks.verdict import Outcome
from harness.history import ItemDelivered, ItemEnqueued, ItemSettled
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


def settled(*items: str, pattern: str = "fine") -> Tale:
    """`a` has settled apple at 2."""
    tale = Tale(pattern)
    tale.sent(*(items or ("apple",)))
    for who in "ab":
        tale.came(0.5, who)
    tale.worked(1, "a", "apple")
    return tale


def test_settled_and_gone() -> None:
    for tale in (good_fine(), good_coarse()):
        assert tale.finds("S6") is Outcome.PASS


def test_given_once_more() -> None:
    tale = settled()
    tale.given(3, "b", "apple", redelivered=True)
    tale.over(9)
    assert tale.what(tale.failure("S6")) == [ItemSettled, ItemDelivered]


def test_each_time_counts_and_the_last_settlement_is_shown() -> None:
    tale = settled()
    second = tale.given(3, "b", "apple", redelivered=True)
    settlement = tale.settled(4, "b", "apple")
    third = tale.given(5, "a", "apple", redelivered=True)
    tale.over(9)
    first = next(one.id for one in tale.events if isinstance(one.what, ItemSettled))
    findings = tale.judged("S6").findings
    assert [one.outcome for one in findings] == [Outcome.FAIL, Outcome.FAIL]
    assert [one.evidence for one in findings] == [(first, second), (settlement, third)]


def test_it_is_sure_even_when_the_run_was_broken_off() -> None:
    tale = settled()
    tale.given(3, "b", "apple", redelivered=True)
    assert tale.finds("S6") is Outcome.FAIL


def test_what_is_put_there_anew_is_another_one_even_if_that_is_told_late() -> None:
    tale = settled(pattern="coarse")
    tale.put(2.2, "tap", ItemEnqueued("apple", "queue", tale.connection("a"), at=1.9))
    tale.given(2.1, "b", "apple")
    tale.settled(3, "b", "apple")
    tale.over(9)
    assert tale.finds("S6") is Outcome.PASS


def test_a_broker_that_was_hurt_may_have_forgotten() -> None:
    tale = settled()
    tale.harmed(2.5, "broker restarted")
    tale.given(3, "b", "apple", redelivered=True)
    tale.over(9)
    assert tale.finds("S6") is Outcome.UNKNOWN


def test_a_broker_that_ended_may_have_forgotten_whatever_the_fault_is_called() -> None:
    tale = settled()
    tale.harmed(2.4, "failover")
    tale.restarted(2.5, kept=True, seconds=0.2)
    tale.given(3, "b", "apple", redelivered=True)
    tale.over(9)
    assert tale.finds("S6") is Outcome.UNKNOWN


def test_a_report_without_effect_settles_nothing() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple", effective=False)
    tale.given(3, "b", "apple", redelivered=True)
    tale.settled(4, "b", "apple")
    tale.over(9)
    assert tale.finds("S6") is Outcome.PASS


def test_equal_items_are_two() -> None:
    tale = settled("apple", "apple")
    tale.worked(3, "b", "apple")
    tale.over(9)
    assert tale.finds("S6") is Outcome.PASS
    tale.events.pop()
    tale.given(5, "b", "apple", redelivered=True)
    tale.over(9)
    assert tale.finds("S6") is Outcome.FAIL


def test_enqueued_anew_is_another() -> None:
    tale = settled()
    tale.put(3, "tap", ItemEnqueued("apple", "queue", tale.connection("b")))
    tale.worked(4, "b", "apple")
    tale.over(9)
    assert tale.finds("S6") is Outcome.PASS


def test_nothing_was_settled() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.over(9)
    (found,) = tale.judged("S6").findings
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "nobody has settled an item"


def test_a_coarse_ack_that_took_no_effect() -> None:
    """Its connection was lost with it: the broker gives the message again."""
    tale = Tale("coarse", completions=1)
    tale.sent("apple")
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple", effective=None)
    tale.killed(2, "a")
    tale.given(3, "b", "apple", redelivered=True)
    tale.settled(4, "b", "apple", effective=None)
    tale.over(9)
    assert tale.finds("S6") is Outcome.PASS
