"""An item is removed by a worker that never had it: S1, L1, and how it comes back."""

from __future__ import annotations

import msgspec
import pytest

from harness.checks.verdict import Outcome
from harness.history import Figures, ItemEnqueued, ItemSettled
from harness.suites.unit.dsl.history import QUEUE, Tale


def removed(*, ends: bool = True, starts: bool = True) -> Tale:
    """`a` begins with apple and is killed; `b` takes it away, and does nothing more with it."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=2.0, settles_after_work=True))
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(0.1, who)
    tale.given(1, "a", "apple", until=3)
    if starts:
        tale.began(1, "a", "apple")
    tale.given(1, "b", "banana", until=3)
    if starts:
        tale.began(1, "b", "banana")
    if ends:
        tale.finished(2, "b", "banana")
    tale.settled(2, "b", "banana")
    tale.killed(2, "a")
    taken_away(tale, 4)
    return tale


def taken_away(tale: Tale, moment: float) -> None:
    what = ItemSettled("apple", tale.connection("b"), "acked", by_holder=False)
    tale.put(moment, "tap", what)


def over(tale: Tale) -> Tale:
    tale.exited(30, "b")
    tale.job(31, "Complete", succeeded=1)
    tale.over(33)
    return tale


def test_what_was_removed_and_never_came_back_is_lost() -> None:
    failure = over(removed()).failure("S1")
    assert "apple is lost" in failure.reason.replace('"', "").replace("'", "")
    assert "never given" in failure.reason


def test_its_holder_s_loss_was_not_dealt_with_by_that() -> None:
    tale = removed()
    tale.asked(4, "b")
    tale.over(60)
    assert tale.finds("L1") is Outcome.FAIL


def test_what_came_back_is_not_settled_by_the_removal() -> None:
    tale = removed()
    tale.put(5, "tap", ItemEnqueued("apple", QUEUE, tale.connection("b"), 5.0))
    tale.given(6, "b", "apple", redelivered=True)
    tale.began(6, "b", "apple")
    tale.finished(7, "b", "apple")
    tale.settled(7, "b", "apple")
    view = over(tale).view()
    item = view.items["apple"]
    assert len(item.enqueued) == 1
    assert [one.by_holder for one in item.settled] == [True]
    assert [one.how for one in item.attempts] == ["reclaimed", "settled"]
    assert tale.finds("S1") is Outcome.PASS


def test_it_may_be_given_again_before_anybody_says_that_it_is_back() -> None:
    tale = removed()
    tale.given(6, "b", "apple", redelivered=True)
    tale.began(6, "b", "apple")
    tale.finished(7, "b", "apple")
    tale.settled(7, "b", "apple")
    assert over(tale).finds("S1") is Outcome.PASS


@pytest.mark.parametrize("how", ["holder", "remover", "in vain"])
def test_what_somebody_has_done_is_not_lost(how: str) -> None:
    tale = removed()
    if how == "in vain":
        tale.put(5, "tap", ItemSettled("apple", tale.connection("a"), "acked", effective=False))
    else:
        tale.finished(5, "a" if how == "holder" else "b", "apple")
    assert over(tale).finds("S1") is Outcome.PASS


def test_without_words_nobody_can_say_whether_it_was_done() -> None:
    assert over(removed(ends=False, starts=False)).finds("S1") is Outcome.UNKNOWN
    assert over(removed(ends=False)).finds("S1") is Outcome.FAIL  # its holder was killed
    tale = removed()
    tale.began(5, "b", "apple")
    assert over(tale).finds("S1") is Outcome.UNKNOWN


def test_old_histories_know_no_such_removal() -> None:
    line = msgspec.json.encode(ItemSettled("apple", 1, "acked"))
    assert b"by_holder" not in line
    assert msgspec.json.decode(line, type=ItemSettled).by_holder


# -- the key in which an item lies runs out -------------------------------------------------------


def ran_out(*, ends: bool = True, finished: bool = False, seconds: float = 0.5) -> Tale:
    """`a` is killed after so many seconds with apple, whose key runs out; `b` has done banana."""
    figures = Figures(work=1.0, lease=2.0, settles_after_work=True, starts_told="always")
    figures = msgspec.structs.replace(
        figures, ends_told="always" if ends else "never", log_live=True, enough=0.75
    )
    tale = Tale("fine", figures=figures)
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(0.1, who)
    tale.given(1, "a", "apple", until=3)
    tale.began(1, "a", "apple")
    if finished:
        tale.finished(1 + seconds, "a", "apple")
    tale.given(1, "b", "banana", until=3)
    tale.began(1, "b", "banana")
    if ends:
        tale.finished(2, "b", "banana")
    tale.settled(2, "b", "banana")
    tale.killed(1 + seconds, "a")
    tale.put(4, "tap", ItemSettled("apple", None, "expired", at=4.0, by_holder=False))
    return over(tale)


def test_an_item_whose_key_has_run_out_is_lost() -> None:
    assert "ran out" in ran_out().failure("S1").reason


def test_not_where_the_work_on_it_had_come_to_its_end() -> None:
    assert ran_out(finished=True).finds("S1") is Outcome.PASS


def test_of_workers_that_say_no_end_the_time_tells() -> None:
    assert ran_out(ends=False, seconds=0.3).finds("S1") is Outcome.FAIL
    assert ran_out(ends=False, seconds=3.0).finds("S1") is Outcome.UNKNOWN
