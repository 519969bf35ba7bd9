"""S16, lost broker is not success: nobody takes a broker without its data for one that is done."""

from __future__ import annotations

from typing import Any

import pytest
from histories import Tale, good_fine

from harness.history import BrokerBack, BrokerLost, ItemEnqueued
from harness.verdict import Outcome

FAULT = "broker lost"


def lost(pattern: str = "fine", **fields: Any) -> Tale:
    """One item is settled, one is given to nobody, when the broker loses its data at 3 s."""
    if pattern == "fine":
        fields.setdefault("sentinel", "all-sent")
    tale = Tale(pattern, completions=2 if pattern == "coarse" else None, **fields)
    tale.sent("apple", "banana")
    tale.came(1.0, "a")
    tale.worked(1.0, "a", "apple")
    tale.closed(3.0, "a")
    tale.restarted(3.0, kept=False)
    return tale


def ended(tale: Tale, moment: float, *, complete: bool) -> Tale:
    if complete:
        tale.job(moment, "Complete", succeeded=1)
    tale.left(moment + 1)
    tale.over(moment + 2)
    return tale


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_who_waits_for_what_was_sent_keeps_it(pattern: str) -> None:
    tale = lost(pattern)
    tale.connected(6.0, "a")
    assert ended(tale, 12.0, complete=False).finds("S16") is Outcome.PASS


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_who_takes_it_for_done_does_not(pattern: str) -> None:
    tale = lost(pattern)
    tale.connected(6.0, "a")
    tale.empty(6.0, "a")
    tale.exited(7.0, "a")
    failure = ended(tale, 8.0, complete=True).failure("S16")
    assert "1 item that nobody has worked on" in failure.reason
    assert tale.what(failure)[:3] == [ItemEnqueued, BrokerLost, BrokerBack]


def test_of_others_nothing_is_proved_then_and_nobody_is_blamed() -> None:
    tale = lost()
    tale.connected(6.0, "a")
    ended(tale, 300.0, complete=False)
    for name in ("S1", "S9", "S12", "S14", "L1", "L2", "L3"):
        assert tale.finds(name) is Outcome.UNKNOWN, name


def test_without_a_marker_nobody_could_tell() -> None:
    tale = lost(sentinel="")
    tale.connected(6.0, "a")
    tale.exited(7.0, "a")
    verdict = ended(tale, 8.0, complete=True).judged("S16")
    assert verdict.outcome is Outcome.UNKNOWN
    assert "--sentinel KEY" in verdict.findings[0].reason


def test_a_broker_that_kept_its_data_shows_nothing() -> None:
    tale = good_fine(sentinel="all-sent")
    assert tale.finds("S16") is Outcome.UNKNOWN
    tale = Tale("fine", sentinel="all-sent")
    tale.sent("apple")
    tale.restarted(3.0, kept=True)
    assert ended(tale, 12.0, complete=True).finds("S16") is Outcome.UNKNOWN


def test_where_nothing_was_left_to_do_nothing_could_go_wrong() -> None:
    tale = lost()
    tale.drop(ItemEnqueued, item="banana")
    tale.connected(6.0, "a")
    tale.exited(7.0, "a")
    assert ended(tale, 8.0, complete=True).finds("S16") is Outcome.UNKNOWN


def test_what_was_in_somebody_s_hands_may_have_been_finished() -> None:
    tale = Tale("fine", sentinel="all-sent")
    tale.sent("apple")
    tale.came(1.0, "a")
    tale.asked(1.0, "a")
    tale.given(1.0, "a", "apple")
    tale.closed(3.0, "a")
    tale.restarted(3.0, kept=False)
    tale.connected(6.0, "a")
    tale.exited(7.0, "a")
    assert ended(tale, 8.0, complete=True).finds("S16") is Outcome.UNKNOWN


def test_what_is_sent_once_more_and_done_then_is_done() -> None:
    tale = lost()
    tale.put(6.0, "tap", ItemEnqueued("banana", "queue"))
    tale.connected(6.0, "a")
    tale.worked(7.0, "a", "banana")
    tale.exited(9.0, "a")
    assert ended(tale, 10.0, complete=True).finds("S16") is Outcome.UNKNOWN


@pytest.mark.parametrize(("comes", "until"), [(None, 30.0), (6.0, 8.0)])
def test_who_was_not_seen_for_long_has_proved_nothing(comes: float | None, until: float) -> None:
    tale = lost()
    if comes is not None:
        tale.connected(comes, "a")
    assert ended(tale, until, complete=False).finds("S16") is Outcome.UNKNOWN


def test_a_job_that_was_complete_before_is_another_matter() -> None:
    tale = Tale("fine", sentinel="all-sent")
    tale.sent("apple")
    tale.job(2.0, "Complete", succeeded=1)
    tale.restarted(3.0, kept=False)
    tale.left(4.0)
    tale.over(5.0)
    assert tale.finds("S16") is Outcome.UNKNOWN
