"""S16, lost broker is not success: nobody takes a broker without its data for one that is done."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.verdict import Outcome
from harness.history import BrokerBack, BrokerLost, ItemEnqueued
from harness.suites.unit.dsl.history import Tale, good_fine

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
    tale.put(6.0, "tap", ItemEnqueued("apple", "queue"))
    tale.connected(6.0, "a")
    tale.worked(6.0, "a", "apple")
    tale.exited(7.0, "a")
    (finding,) = ended(tale, 8.0, complete=True).judged("S16").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "nothing was left to do when the broker lost its data"


def test_what_was_sent_when_it_came_back_and_who_came_then() -> None:
    """So long as the bound for progress, nobody took it for done."""
    tale = lost()
    tale.drop(ItemEnqueued, item="banana")
    tale.put(5.0, "tap", ItemEnqueued("banana", "queue"))
    tale.connected(5.0, "a")
    tale.over(10.0)
    assert tale.finds("S16") is Outcome.PASS


def in_hands(given: float, returned: float | None) -> Tale:
    """The broker ends at 10 and is back at 12; the Job is Complete, and nobody has settled it."""
    tale = Tale("fine", sentinel="all-sent")
    tale.sent("apple")
    tale.came(1.0, "a")
    if given <= 10:
        tale.given(given, "a", "apple")
    if returned is not None:
        tale.returned(returned, "a", "apple")
    tale.restarted(10.0, kept=False)
    if given > 10:
        tale.given(given, "a", "apple")
    return ended(tale, 20.0, complete=True)


@pytest.mark.parametrize(("given", "returned"), [(1.0, None), (1.0, 9.5), (1.0, 9.0), (12.0, None)])
def test_what_was_in_somebody_s_hands_may_have_been_finished(
    given: float, returned: float | None
) -> None:
    (finding,) = in_hands(given, returned).judged("S16").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason.endswith(
        "was in workers' hands when the broker lost its data: they may have finished it"
    )


@pytest.mark.parametrize(("given", "returned"), [(1.0, 8.5), (14.0, None)])
def test_what_was_in_nobody_s_hands_then(given: float, returned: float | None) -> None:
    """It was given back before, or given out only when there was nothing of it any more."""
    assert in_hands(given, returned).finds("S16") is Outcome.FAIL


@pytest.mark.parametrize("again", [True, False])
def test_the_first_loss_and_the_first_item_are_shown(again: bool) -> None:
    tale = Tale("fine", sentinel="all-sent")
    tale.sent("apple", "apple", "banana")
    back = tale.restarted(3.0, kept=False)
    complete = tale.job(15.0, "Complete", succeeded=1)
    if again:
        tale.restarted(20.0, kept=False)
    tale.over(30.0)
    failure = tale.failure("S16")
    assert failure.evidence == (1, back - 1, back, complete)
    assert "2 items that nobody has worked on" in failure.reason


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


@pytest.mark.parametrize("moment", [2.0, 3.0])
def test_a_job_that_was_complete_before_is_another_matter(moment: float) -> None:
    tale = Tale("fine", sentinel="all-sent")
    tale.sent("apple")
    tale.job(moment, "Complete", succeeded=1)
    tale.restarted(3.0, kept=False)
    tale.left(4.0)
    tale.over(5.0)
    assert tale.finds("S16") is Outcome.UNKNOWN
