"""S1, no loss: what the broker has forgotten was worked on to its end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.checks.verdict import Outcome, Subject
from harness.history import (
    ConnectionHeld,
    ContainerSeen,
    FaultConfirmed,
    FaultHealed,
    FaultInjected,
    FaultLanded,
    Figures,
    ItemDelivered,
    ItemDone,
    ItemEnqueued,
    ItemLeft,
    ItemSettled,
    JobSeen,
)
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine

EARLY = Figures(work=2.0, settles_after_work=False)
LATE = Figures(work=2.0, settles_after_work=True)


def early(figures: Figures = EARLY, *, killed: float = 2) -> Tale:
    """Settled at once, then killed; the other worker does the rest, and the Job is Complete."""
    tale = Tale("fine", figures=figures)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(1.1, "a", "apple")
    tale.killed(killed, "a")
    tale.came(killed, "b")
    tale.worked(killed, "b", "banana")
    tale.exited(6, "b")
    tale.job(7, "Complete", succeeded=1)
    tale.over(9)
    return tale


def test_all_was_done() -> None:
    assert good_fine().finds("S1") is Outcome.PASS
    assert good_coarse().finds("S1") is Outcome.PASS


def test_killed_after_it_had_settled_too_early() -> None:
    tale = early()
    failure = tale.failure("S1")
    assert tale.what(failure) == [ItemDelivered, ItemSettled, ContainerSeen, JobSeen]
    assert failure.subject is Subject.WORKER
    assert "apple" in failure.reason


def test_lost_also_where_the_job_does_not_end() -> None:
    tale = early()
    tale.drop(JobSeen)
    assert tale.finds("S1") is Outcome.FAIL


def test_what_a_worker_does_as_a_rule_stands_for_no_attempt() -> None:
    """It settles after its work, and of this item nothing shows that there was any."""
    assert early(LATE).finds("S1") is Outcome.UNKNOWN


def test_nothing_tells_when_it_settles() -> None:
    assert early(Figures(work=2.0)).finds("S1") is Outcome.UNKNOWN


def test_why_nothing_tells() -> None:
    (finding,) = early(Figures(work=2.0)).judged("S1").findings[:1]
    assert finding.reason == (
        "worker 1 ended after it had settled apple, and nothing tells whether it settles before or "
        "after the work"
    )


@pytest.mark.parametrize(("killed", "outcome"), [(8, Outcome.FAIL), (9, Outcome.UNKNOWN)])
def test_twice_its_time_and_a_second_are_enough_for_the_work(killed: int, outcome: Outcome) -> None:
    """It takes 3 s, and was given the item at 1."""
    tale = Tale("fine", figures=Figures(work=3.0, settles_after_work=False))
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(1.1, "a", "apple")
    tale.killed(killed, "a")
    tale.over(12)
    assert tale.finds("S1") is outcome


def settled_early_after(*, cherry: bool = False, banana: str = "") -> Tale:
    """`apple` is settled too early, after a `cherry`; `banana` comes later. Then a kill."""
    tale = Tale("fine", figures=EARLY)
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "a")
    if cherry:
        tale.given(1, "a", "cherry")
        tale.began(1.1, "a", "cherry")
        tale.finished(1.2, "a", "cherry")
        tale.settled(1.3, "a", "cherry")
    tale.given(1.5, "a", "apple")
    tale.settled(1.6, "a", "apple")
    if banana:
        tale.given(1.7, "a", "banana")
    if banana == "begun":
        tale.began(1.8, "a", "banana")
    elif banana == "settled":
        tale.settled(1.9, "a", "banana")
    tale.killed(2, "a")
    tale.over(9)
    return tale


def test_who_goes_on_with_a_later_item_has_finished_with_the_first() -> None:
    def lost(tale: Tale) -> bool:
        findings = tale.judged("S1").findings
        return any(one.outcome is Outcome.FAIL and "apple" in one.reason for one in findings)

    assert lost(settled_early_after())
    assert lost(settled_early_after(cherry=True))
    assert lost(settled_early_after(banana="given"))
    assert not lost(settled_early_after(banana="begun"))
    assert not lost(settled_early_after(banana="settled"))


def test_who_says_of_others_that_it_begins_may_have_done_one_without_a_word() -> None:
    """Only what was taken for good, several at once, is passed over."""
    tale = Tale("fine", figures=Figures(work=2.0))
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(1.5, "a", "apple")
    tale.given(2, "a", "banana")
    tale.began(2.1, "a", "banana")
    tale.finished(3, "a", "banana")
    tale.settled(3, "a", "banana")
    tale.exited(4, "a")
    tale.over(9)
    assert tale.finds("S1") is Outcome.PASS


def test_how_many_were_settled_and_the_first_of_them_is_shown() -> None:
    tale = good_fine()
    (finding,) = tale.judged("S1").findings
    assert finding.reason == "2 items settled after the work on it"
    assert tale.what(finding) == [ItemSettled]


def test_it_may_have_had_the_time() -> None:
    short = Figures(work=0.1, settles_after_work=False)
    assert early(short).finds("S1") is Outcome.FAIL
    assert early(short, killed=4).finds("S1") is Outcome.UNKNOWN


def test_it_said_that_it_was_done() -> None:
    tale = early()
    tale.finished(1.9, "a", "apple")
    assert tale.finds("S1") is Outcome.PASS


def popped(*, then_asks: bool = False, then_exits: int = 137) -> Tale:
    tale = Tale("fine", figures=Figures(work=2.0))
    tale.sent("apple")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.given(1, "a", "apple", final=True)
    if then_asks:
        tale.asked(2.5, "a")
    tale.exited(3, "a", then_exits)
    tale.job(5, "Complete", succeeded=1)
    tale.over(9)
    return tale


def test_popped_for_good_and_killed() -> None:
    tale = popped()
    assert tale.what(tale.failure("S1")) == [ItemDelivered, ContainerSeen, JobSeen]


def test_popped_for_good_and_done() -> None:
    assert popped(then_asks=True).finds("S1") is Outcome.PASS
    assert popped(then_exits=0).finds("S1") is Outcome.PASS


def test_a_pop_with_a_lease_after_it_is_a_claim_in_two_steps() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", final=True)
    tale.leased(1.01, "a", "apple", until=11)
    tale.killed(2, "a")
    tale.over(9)
    assert tale.finds("S1") is Outcome.UNKNOWN


def test_a_log_that_is_not_whole_may_have_said_more() -> None:
    tale = early()
    tale.finished(5, "b", "banana")
    assert tale.finds("S1") is Outcome.FAIL
    tale.log_broke(8, "a")
    assert tale.finds("S1") is Outcome.UNKNOWN


def test_all_messages_at_the_first_worker_which_does_one() -> None:
    """Without an acknowledgement the broker gives all that it has, and forgets it."""
    tale = Tale("coarse", completions=2)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.asked(1, "a")
    tale.given(1, "a", "apple", final=True)
    tale.given(1, "a", "banana", final=True)
    tale.began(1.1, "a", "apple")
    tale.exited(3, "a")
    tale.over(9)
    assert "banana" in tale.failure("S1").reason


def test_complete_and_not_settled() -> None:
    tale = good_fine()
    tale.drop(ItemSettled, item="banana")
    tale.left(10, "banana", where="leased")
    assert tale.what(tale.failure("S1")) == [ItemEnqueued, ItemDelivered, JobSeen, ItemLeft]


def test_the_last_of_each_is_shown() -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.returned(2, "a", "apple")
    given = tale.given(3, "a", "apple")
    tale.exited(4, "a")
    complete = tale.job(5, "Complete", succeeded=1)
    tale.left(6, "apple", "apple")
    tale.over(9)
    enqueued = 2
    assert tale.failure("S1").evidence == (enqueued, given, complete, complete + 2)


def test_complete_for_it_asked_for_too_few() -> None:
    tale = good_coarse()
    tale.put(0, "harness", ItemEnqueued("cherry", "queue"))
    assert tale.failure("S1").subject is Subject.JOB


def test_set_aside_is_not_lost() -> None:
    tale = Tale("fine", figures=EARLY)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(1.1, "a", "apple", "dead")
    tale.killed(2, "a")
    tale.over(9)
    assert tale.finds("S1") is Outcome.PASS


@pytest.mark.parametrize("who", ["a", None])
def test_nobody_knows_whose_it_was(who: str | None) -> None:
    tale = Tale("fine", figures=EARLY)
    tale.sent("apple")
    tale.came(1, "a", owned=False)
    tale.given(1, "a", "apple")
    tale.settled(1.1, who, "apple")
    tale.over(9)
    (finding,) = tale.judged("S1").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "nobody knows whose attempt was settled here"


@pytest.mark.parametrize("attempts", ["a", "ab"])
def test_somebody_else_has_done_it_before(attempts: str) -> None:
    """Who settles it then may do so at once."""
    tale = Tale("fine", figures=EARLY)
    tale.sent("apple")
    for start, who in enumerate(attempts, 1):
        tale.came(start, who)
        tale.given(start, who, "apple", redelivered=start > 1)
        tale.finished(start + 0.5, who, "apple")
        tale.killed(start + 0.6, who)
    tale.came(5, "c")
    tale.given(5, "c", "apple", redelivered=True)
    tale.settled(5.1, "c", "apple")
    tale.killed(6, "c")
    tale.over(9)
    assert tale.finds("S1") is Outcome.PASS


def test_gone_without_a_word() -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    tale.left(5)
    last = tale.left(6)
    tale.over(9)
    (finding,) = tale.judged("S1").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert "nobody was seen to settle it" in finding.reason
    assert finding.evidence == (2, last)


@pytest.mark.parametrize("looked", [False, True])
def test_what_is_still_there_or_was_not_looked_for_is_no_loss(*, looked: bool) -> None:
    tale = Tale("fine")
    tale.sent("apple")
    if looked:
        tale.left(5, "apple")
    tale.over(9)
    assert tale.judged("S1").findings == ()


# -- each settlement is asked for itself -----------------------------------------------------------

#: A worker that says both when it begins and when it has finished, in a live log; 1 s of work.
TELLS = Figures(
    work=1.0,
    settles_after_work=True,
    starts_told="always",
    ends_told="always",
    log_live=True,
    ends_first=True,
    enough=0.75,
)
#: One that says nothing.
SILENT = Figures(work=1.0, starts_told="never", ends_told="never", enough=0.75)


def again(
    figures: Figures = TELLS,
    *,
    first: float = 0.4,
    took: float = 0.01,
    says: str = "",
    landed: bool = True,
    pattern: str = "coarse",
    code: int = 0,
) -> Tale:
    """`a` has `apple` for so many seconds and is killed; `b` is given it and settles it."""
    tale = Tale(pattern, completions=1, figures=figures)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    if "before" in says:
        tale.began(1.01, "a", "apple")
    tale.put(1 + first, "harness", FaultInjected("killed", "a", tale.worker("a")))
    if landed:
        landing = FaultLanded("killed", tale.worker("a"), 1 + first)
        tale.put(1 + first, "harness", landing)
    tale.killed(3, "a")
    tale.put(3, "harness", FaultConfirmed("killed", (1,)))
    tale.put(3, "harness", FaultHealed("killed"))
    tale.came(10, "b")
    tale.given(10, "b", "apple", redelivered=True)
    if "begins" in says:
        tale.began(10.005, "b", "apple")
    if "ends" in says:
        tale.finished(10 + took, "b", "apple")
    tale.settled(10 + took, "b", "apple")
    tale.exited(10 + took + 0.1, "b", code)
    tale.job(15, "Complete", succeeded=1)
    tale.left(19)
    tale.over(20)
    return tale


def test_a_redelivery_that_is_settled_without_any_work() -> None:
    tale = again()
    failure = tale.failure("S1")
    assert "without any work" in failure.reason
    assert tale.what(failure) == [ItemDelivered, ItemDelivered, ItemSettled, ContainerSeen]
    assert tale.finds("S9") is Outcome.FAIL
    assert tale.finds("S13") is Outcome.FAIL


def test_a_redelivery_that_is_worked_on() -> None:
    tale = again(took=1.0, says="begins ends")
    assert tale.finds("S1") is Outcome.PASS
    assert tale.finds("S9") is Outcome.PASS
    assert tale.finds("S13") is Outcome.PASS


@pytest.mark.parametrize(
    ("how", "why"),
    [
        pytest.param({"took": 1.0}, "nothing of the work", id="other words on a retry"),
        pytest.param({"first": 0.7, "took": 0.4}, "nothing of the work", id="resumed, other words"),
        pytest.param({"landed": False}, "nothing of the work", id="nobody knows when it was dead"),
        pytest.param({"took": 1.0, "says": "begins"}, "nothing of its end", id="no end"),
    ],
)
def test_only_one_of_two_signs_is_not_enough(how: dict[str, Any], why: str) -> None:
    tale = again(**how)
    findings = [one for one in tale.judged("S1").findings if one.outcome is not Outcome.PASS]
    if how.get("says"):
        assert findings == []  # long enough, and its own start: a worker killed at its report
        return
    assert [one.outcome for one in findings] == [Outcome.UNKNOWN]
    assert why in findings[0].reason
    assert findings[0].suspect


def test_work_that_is_taken_up_where_it_was_left() -> None:
    assert again(first=0.6, took=0.4, says="before begins ends").finds("S1") is Outcome.PASS


def test_all_the_words_and_no_time_for_it() -> None:
    tale = again(first=0.1, took=0.02, says="begins ends")
    (finding,) = [one for one in tale.judged("S1").findings if one.outcome is not Outcome.PASS]
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.suspect
    assert "less time than any item takes" in finding.reason


def test_settled_in_the_middle_of_its_work_and_left() -> None:
    """As who is told to stop, reports its item as done and exits with an error."""
    tale = again(first=0.1, took=0.2, says="begins", code=1)
    assert "in the middle of its work" in tale.failure("S1").reason


def test_a_marker_that_is_written_after_the_work() -> None:
    """The first attempt has finished, as its worker said, and only its report was lost."""
    tale = Tale("coarse", completions=1, figures=TELLS)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.began(1.01, "a", "apple")
    tale.finished(2.0, "a", "apple")
    tale.held(2.0, "a", "before ack")
    tale.killed(3, "a")
    tale.came(10, "b")
    tale.given(10, "b", "apple", redelivered=True)
    tale.settled(10.01, "b", "apple")
    tale.exited(10.1, "b")
    tale.over(20)
    assert tale.finds("S1") is Outcome.PASS
    tale.drop(ItemDone)
    # Stopped at its report, and it reports after its work.
    assert tale.finds("S1") is Outcome.PASS
    tale.drop(ConnectionHeld)
    assert tale.finds("S1") is Outcome.UNKNOWN


def test_a_log_that_comes_from_a_buffer_dies_with_its_process() -> None:
    late = msgspec.structs.replace(TELLS, log_live=False, settles_after_work=None)
    tale = again(late, took=1.0, code=137)
    (finding,) = tale.judged("S1").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert "lines come late" in finding.reason
    assert again(late, code=137).finds("S1") is Outcome.UNKNOWN
    # Who ended by itself has written all that it had to say.
    assert again(late).finds("S1") is Outcome.FAIL


def test_a_broken_log_may_have_said_it() -> None:
    tale = again()
    tale.log_broke(18, "b")
    assert tale.finds("S1") is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("first", "took", "outcome"),
    [(0.1, 0.01, Outcome.FAIL), (0.4, 0.1, Outcome.UNKNOWN), (0.1, 1.0, Outcome.PASS)],
)
def test_of_who_says_nothing_only_the_time_tells(
    first: float, took: float, outcome: Outcome
) -> None:
    assert again(SILENT, first=first, took=took).finds("S1") is outcome


def test_a_delivery_that_never_came_to_its_worker_took_no_time() -> None:
    tale = Tale("coarse", completions=1, figures=TELLS)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.held(1, "a", "before delivery", towards="client")
    tale.killed(9, "a")
    tale.came(10, "b")
    tale.given(10, "b", "apple", redelivered=True)
    tale.settled(10.01, "b", "apple")
    tale.exited(10.1, "b")
    tale.over(20)
    assert tale.finds("S1") is Outcome.FAIL


def test_a_first_delivery_that_is_settled_without_any_work() -> None:
    """Among others that were worked on, and without any harm."""
    tale = Tale("fine")
    items = [f"item-{number}" for number in range(4)]
    tale.sent(*items)
    tale.came(1, "a")
    for number, item in enumerate(items[:3]):
        tale.worked(1.0 + number, "a", item)
    tale.given(5, "a", items[3])
    tale.settled(5.01, "a", items[3])
    tale.asked(5.02, "a")
    tale.exited(6, "a")
    tale.over(20)
    assert "item-3" in tale.failure("S1").reason


def aside(*, found: bool = True, failing: bool = False, attempts: int = 1) -> Tale:
    """`apple` is set aside when its first worker is lost."""
    tale = Tale("fine", figures=TELLS, failing_item="apple" if failing else None)
    tale.sent("apple")
    for number in range(attempts):
        who, start = f"a{number}", 10.0 * number + 1
        tale.came(start, who)
        tale.given(start, who, "apple")
        tale.began(start, who, "apple")
        tale.harmed(start + 0.5, "killed", who)
        tale.killed(start + 1, who)
    tale.came(31, "b")
    tale.settled(31, "b", "apple", "dead")
    tale.exited(32, "b")
    tale.job(33, "Complete", succeeded=1)
    if found:
        tale.left(34, "apple", where="dead", queue="dead")
    else:
        tale.left(34)
    tale.over(40)
    return tale


def test_set_aside_after_one_loss() -> None:
    (finding,) = aside().judged("S1").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.suspect
    assert "--max-attempts 1" in finding.reason


def test_set_aside_as_it_should_be() -> None:
    assert aside(failing=True).finds("S1") is Outcome.PASS
    assert aside(attempts=2).finds("S1") is Outcome.PASS
    once = aside()
    once.header = msgspec.structs.replace(once.header, max_attempts=1)
    assert once.finds("S1") is Outcome.PASS


def test_set_aside_where_nobody_finds_it() -> None:
    (finding,) = aside(found=False, attempts=2).judged("S1").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert "found nowhere" in finding.reason


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(1.0, Outcome.PASS), (0.3, Outcome.UNKNOWN)], ids=["long", "short"]
)
def test_a_silent_worker_that_is_killed_at_its_report_had_its_time(
    seconds: float, outcome: Outcome
) -> None:
    """Its pace has shown, without a fault, that it reports after its work, and how long that is."""
    figures = Figures(
        work=1.0, settles_after_work=True, starts_told="never", ends_told="never", enough=0.75
    )
    tale = Tale("coarse", completions=1, figures=figures)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(1 + seconds, "a", "apple")
    tale.killed(1.1 + seconds, "a")
    tale.over(9)
    assert tale.finds("S1") is outcome
