"""S3, ack after work: an item is settled after the work on it, not before."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    ConnectionHeld,
    ContainerExited,
    Figures,
    ItemDelivered,
    ItemDone,
    ItemSettled,
    RunEnded,
)
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine


def one(
    settled: float,
    done: float | None,
    *,
    began: float | None = None,
    held: float | None = None,
    figures: Figures = Figures(),  # noqa: B008  # frozen
) -> Tale:
    """An item that was delivered at 1.0; `held` is when its settlement was stopped."""
    tale = Tale("fine", figures=figures)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    if held is not None:
        tale.held(held, "a", "settling")
        tale.resume_client(settled, "a")
    tale.settled(settled, "a", "apple")
    if began is not None:
        tale.began(began, "a", "apple")
    if done is not None:
        tale.finished(done, "a", "apple")
    tale.over(20)
    return tale


def test_settled_after_the_work() -> None:
    assert good_fine().finds("S3") is Outcome.PASS
    assert good_coarse().finds("S3") is Outcome.PASS


@pytest.mark.parametrize(
    ("settled", "done", "outcome"),
    [
        pytest.param(3.0, 2.9, Outcome.PASS, id="done, then settled"),
        pytest.param(3.0, 3.05, Outcome.PASS, id="settled, then said so"),
        pytest.param(3.0, 3.2, Outcome.UNKNOWN, id="said so late, or worked on"),
        pytest.param(3.0, 3.9, Outcome.FAIL, id="worked on for long"),
        pytest.param(1.1, 3.0, Outcome.FAIL, id="settled, then worked"),
        pytest.param(1.01, 1.4, Outcome.UNKNOWN, id="too quick to tell"),
        pytest.param(2.0, 2.8, Outcome.FAIL, id="in the middle"),
        pytest.param(3.0, None, Outcome.UNKNOWN, id="without a word"),
    ],
)
def test_when_it_is_settled(settled: float, done: float | None, outcome: Outcome) -> None:
    assert one(settled, done).finds("S3") is outcome


def test_the_story_of_an_early_settlement() -> None:
    tale = one(1.1, 3.0)
    assert tale.what(tale.failure("S3")) == [ItemDelivered, ItemSettled, ItemDone]


def test_begun_after_it_was_settled() -> None:
    """Where the log is known to be live: else that line may have waited in a buffer."""
    live = Figures(starts_told="always", ends_told="always", log_live=True)
    assert one(1.1, None, began=2.0, figures=live).finds("S3") is Outcome.FAIL
    assert one(1.1, None, began=2.0).finds("S3") is Outcome.UNKNOWN
    assert one(1.1, None, began=1.2, figures=live).finds("S3") is Outcome.UNKNOWN


def test_popped_for_good_and_then_worked_on() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", final=True)
    tale.finished(3, "a", "apple")
    tale.over(9)
    assert tale.finds("S3") is Outcome.FAIL


WORK = Figures(work=2.0)


@pytest.mark.parametrize(
    ("held", "settled", "done", "outcome"),
    [
        pytest.param(3.0, 9.0, 3.05, Outcome.PASS, id="done, though the settlement is stopped"),
        pytest.param(3.0, 9.0, 9.1, Outcome.PASS, id="says so once it has the answer"),
        pytest.param(1.1, 9.0, 3.1, Outcome.FAIL, id="works while it is stopped"),
        pytest.param(1.1, 9.0, 11.0, Outcome.FAIL, id="works once it has the answer"),
        pytest.param(1.1, 3.0, 3.05, Outcome.UNKNOWN, id="worked meanwhile, or was quick"),
    ],
)
def test_held_at_its_settlement(held: float, settled: float, done: float, outcome: Outcome) -> None:
    """What counts is when the worker said it, not when the tap let it go on."""
    assert one(settled, done, held=held, figures=WORK).finds("S3") is outcome


def test_the_story_of_a_held_settlement() -> None:
    tale = one(9.0, 3.1, held=1.1, figures=WORK)
    kinds = [ItemDelivered, ConnectionHeld, ItemSettled, ItemDone]
    assert tale.what(tale.failure("S3")) == kinds


def test_a_settlement_without_effect_is_none() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(1.1, "a", "apple", effective=False)
    tale.finished(3, "a", "apple")
    tale.over(9)
    assert tale.finds("S3") is Outcome.UNKNOWN


def many(*early: bool) -> Tale:
    tale = Tale("fine")
    items = [f"item-{number}" for number in range(len(early))]
    tale.sent(*items)
    tale.came(1, "a")
    for number, (item, soon) in enumerate(zip(items, early, strict=True)):
        start = 10.0 * number + 1
        tale.given(start, "a", item)
        if soon:
            tale.settled(start + 0.1, "a", item)
        tale.finished(start + 2, "a", item)
        if not soon:
            tale.settled(start + 2, "a", item)
    tale.over(99)
    return tale


def test_one_that_was_settled_early_is_enough() -> None:
    assert many(True, True, False).finds("S3") is Outcome.FAIL
    assert many(True, False, False).finds("S3") is Outcome.FAIL
    assert many(False, False, False).finds("S3") is Outcome.PASS


def given(tale: Tale, item: str) -> int:
    """The id of an item's delivery."""
    (found,) = (
        event.id
        for event in tale.events
        if isinstance(event.what, ItemDelivered) and event.what.item == item
    )
    return found


def test_the_first_early_one_is_told_and_how_many_there_are() -> None:
    tale = many(False, True, True)
    failure = tale.failure("S3")
    assert "item-1 before the work on it, as 2 of 3" in failure.reason
    assert failure.evidence[0] == given(tale, "item-1")


def lines(*gaps: float, delay: float = 0.01, work: float = 1.2, asks: bool = False) -> Tale:
    """Coarse workers whose line about the end comes so many seconds after the report."""
    tale = Tale("coarse", completions=len(gaps))
    tale.sent(*[f"item-{number}" for number in range(len(gaps))])
    for number, gap in enumerate(gaps):
        who, item, start = f"w{number}", f"item-{number}", 5.0 * number + 1
        tale.came(start, who)
        tale.given(start, who, item)
        tale.began(start + delay, who, item)
        if gap < 0:
            tale.finished(start + work + gap, who, item)
        tale.settled(start + work, who, item)
        if asks:
            tale.asked(start + work + 0.01, who)
        if gap >= 0:
            tale.finished(start + work + gap, who, item)
        tale.exited(start + work + max(gap, 0.0) + 0.02, who)
    tale.over(5.0 * len(gaps) + 20)
    return tale


@pytest.mark.parametrize(
    ("gaps", "outcome"),
    [
        pytest.param((0.45, 0.46, 0.45), Outcome.FAIL, id="always works on after its report"),
        pytest.param((0.151, 0.152, 0.16), Outcome.FAIL, id="a little work, but always"),
        pytest.param((0.45, 0.46), Outcome.UNKNOWN, id="too few to tell a late log from work"),
        pytest.param((0.45, 0.46, 0.45, 0.001), Outcome.UNKNOWN, id="not always"),
        pytest.param((-0.001, 0.002, 0.001, 0.2, -0.01), Outcome.PASS, id="one line is late"),
        pytest.param((0.001, 0.003, 0.002), Outcome.PASS, id="said just after the report"),
        pytest.param((-0.001, 0.002, 1.0), Outcome.FAIL, id="one is settled long before its end"),
    ],
)
def test_how_long_after_the_report(gaps: tuple[float, ...], outcome: Outcome) -> None:
    assert lines(*gaps).finds("S3") is outcome


def test_no_tolerance_grows_with_the_work() -> None:
    assert lines(0.45, 0.45, 0.45, work=60).finds("S3") is Outcome.FAIL


def test_lines_about_the_beginning_are_as_late() -> None:
    """Then the log is slow, and not the work long."""
    assert lines(0.15, 0.12, 0.14, delay=0.2).finds("S3") is Outcome.PASS


def test_who_has_asked_for_the_next_is_not_at_work_any_more() -> None:
    tale = lines(0.3, 0.001, 0.002, asks=True)
    assert tale.finds("S3") is Outcome.PASS


def buffered(*, early: bool) -> Tale:
    """All lines come when their process ends."""
    tale = Tale("coarse", completions=3)
    tale.sent("apple", "banana", "cherry")
    for number, item in enumerate(("apple", "banana", "cherry")):
        who, start = f"w{number}", 5.0 * number + 1
        tale.came(start, who)
        tale.given(start, who, item)
        tale.settled(start + (0.01 if early else 2), who, item)
        tale.began(start + 2.25, who, item)
        tale.finished(start + 2.25, who, item)
        tale.exited(start + 2.26, who)
    tale.job(20, "Complete", succeeded=3)
    tale.over(30)
    return tale


@pytest.mark.parametrize("early", [False, True])
def test_lines_that_come_from_a_buffer_prove_nothing(*, early: bool) -> None:
    tale = buffered(early=early)
    (finding,) = tale.judged("S3").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert "lines come late" in finding.reason
    assert "stdbuf" in finding.reason
    assert tale.view().settles_after_work is None


def piped(*, early: bool) -> Tale:
    """All lines come late by the same time, as through a pipe."""
    tale, late = Tale("coarse", completions=3), 1.5
    tale.sent("apple", "banana", "cherry")
    for number, item in enumerate(("apple", "banana", "cherry")):
        who, start = f"w{number}", 9.0 * number + 1
        tale.came(start, who)
        tale.given(start, who, item)
        tale.settled(start + (0.01 if early else 1), who, item)
        tale.began(start + late, who, item)
        tale.finished(start + 1 + late, who, item)
        tale.exited(start + 5, who)
    tale.job(30, "Complete", succeeded=3)
    tale.over(40)
    return tale


@pytest.mark.parametrize("early", [False, True])
def test_lines_that_are_late_by_the_same_time_prove_nothing(*, early: bool) -> None:
    """They are as far from each other as the work is, and say nothing about its moments."""
    tale = piped(early=early)
    assert tale.finds("S3") is Outcome.UNKNOWN
    assert tale.view().settles_after_work is None


def test_some_are_settled_without_a_word_about_their_end() -> None:
    tale = lines(-0.01, -0.01, -0.01, -0.01)
    assert tale.finds("S3") is Outcome.PASS
    tale.drop(ItemDone, item="item-2")
    (finding,) = [one for one in tale.judged("S3").findings if one.outcome is Outcome.UNKNOWN]
    assert "1 of 4 items were settled without a word" in finding.reason
    assert finding.suspect


def test_a_later_delivery_is_judged_apart() -> None:
    tale = lines(-0.01, -0.01, -0.01, -0.01, -0.01)
    tale.sent("fig")
    tale.came(30, "v")
    tale.given(30, "v", "fig")
    tale.began(30.01, "v", "fig")
    tale.killed(30.5, "v")
    tale.came(31, "w")
    tale.given(31, "w", "fig", redelivered=True)
    tale.began(31.01, "w", "fig")
    tale.settled(31.02, "w", "fig")
    tale.finished(32, "w", "fig")
    tale.exited(32.1, "w")
    tale.over(60)
    assert tale.finds("S3") is Outcome.FAIL
    assert "fig before the work on it, as 1 of 1" in tale.failure("S3").reason


def test_what_was_seen_stands_although_the_run_was_broken_off() -> None:
    tale = one(1.1, 3.0)
    tale.drop(RunEnded)
    tale.over(20, "the connection was lost")
    assert tale.finds("S3") is Outcome.FAIL


# -- no line about an end: the pace tells ---------------------------------------------------------


def paced(work: float, idle: float, *, began: bool = True, items: int = 3) -> Tale:
    """A worker that takes so long for an item, reports, and so long until it wants the next."""
    tale, at = Tale("fine", figures=Figures()), 1.0
    tale.sent(*(f"item-{number}" for number in range(items)))
    tale.came(at, "a")
    for number in range(items):
        tale.asked(at, "a")
        tale.given(at, "a", f"item-{number}")
        if began:
            tale.began(at + 0.01, "a", f"item-{number}")
        tale.settled(at + work, "a", f"item-{number}")
        at += work + idle
    tale.asked(at, "a")
    tale.empty(at, "a")
    tale.exited(at + 1.5, "a")
    tale.over(20)
    return tale


def test_who_wants_the_next_item_at_once_had_done_its_work() -> None:
    assert paced(1.0, 0.02).finds("S3") is Outcome.PASS


@pytest.mark.parametrize(
    ("work", "idle"),
    [
        pytest.param(0.5, 0.5, id="goes on after the report, or pauses"),
        pytest.param(1.0, 0.15, id="a little after the report"),
        pytest.param(0.01, 1.0, id="reports at once"),
        pytest.param(0.1, 0.01, id="too quick"),
    ],
)
def test_a_pause_after_the_report_proves_nothing(work: float, idle: float) -> None:
    assert paced(work, idle).finds("S3") is Outcome.UNKNOWN


def test_two_items_show_no_pace() -> None:
    assert paced(1.0, 0.02, items=2).finds("S3") is Outcome.UNKNOWN


def test_who_has_several_items_at_once_shows_no_pace() -> None:
    tale = Tale("fine", figures=Figures())
    tale.sent("apple", "banana", "cherry", "date")
    tale.came(1, "a")
    for at, name in ((1.0, "apple"), (1.5, "banana"), (2.0, "cherry"), (2.5, "date")):
        tale.asked(at, "a")
        tale.given(at, "a", name)
        tale.began(at + 0.01, "a", name)
        tale.settled(at + 0.99, "a", name)
    tale.over(20)
    assert tale.finds("S3") is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("exits", "outcome"),
    [
        pytest.param((0.06, 0.2, 0.15), Outcome.PASS, id="at once, as exits are"),
        pytest.param((0.2, 0.2, 0.2), Outcome.UNKNOWN, id="never at once"),
        pytest.param((0.06, 0.5, 0.6), Outcome.UNKNOWN, id="mostly late"),
        pytest.param(None, Outcome.UNKNOWN, id="nobody knows but by the second"),
    ],
)
def test_of_one_message_for_each_pod_the_exit_tells(
    exits: tuple[float, ...] | None, outcome: Outcome
) -> None:
    tale = Tale("coarse", completions=3, figures=Figures())
    tale.sent("apple", "banana", "cherry")
    for at, who, name in ((1.0, "a", "apple"), (3.0, "b", "banana"), (5.0, "c", "cherry")):
        tale.came(at, who)
        tale.asked(at, who)
        tale.given(at, who, name)
        tale.began(at + 0.01, who, name)
        tale.settled(at + 1, who, name)
        tale.exited(at + 1.05, who)
        if exits is not None:
            exited = at + 1 + exits["abc".index(who)]
            tale.put(at + 1.9, "nodes", ContainerExited(tale.worker(who), exited))
    tale.over(20)
    assert tale.finds("S3") is outcome
