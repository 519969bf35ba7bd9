"""S2, no fabrication: a worker works on what was sent, and on nothing else."""

from __future__ import annotations

from harness.checks.verdict import Outcome
from harness.history import Figures, ItemStarted, Raw
from harness.suites.unit.dsl.history import Tale, good_fine

MATCHED = Figures(starts_matched=True)


def test_all_lines_are_about_items_that_were_sent() -> None:
    assert good_fine(figures=MATCHED).finds("S2") is Outcome.PASS


def test_the_fault_free_run_vouches_for_itself() -> None:
    assert good_fine(figures=Figures()).finds("S2") is Outcome.PASS


def test_work_on_what_nobody_has_sent() -> None:
    tale = good_fine(figures=MATCHED)
    tale.began(3, "a", "cherry")
    failure = tale.failure("S2")
    assert tale.what(failure) == [ItemStarted]
    assert "cherry" in failure.reason


def test_a_worker_whose_lines_are_not_about_items() -> None:
    tale = Tale("fine", figures=Figures(starts_matched=False))
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.began(1.1, "a", "the day with coffee")
    tale.over(9)
    assert tale.finds("S2") is Outcome.UNKNOWN


def test_a_fault_free_run_with_guesses_about_something_else() -> None:
    tale = good_fine(figures=Figures())
    tale.began(3, "a", "day", "mangled")
    assert tale.finds("S2") is Outcome.UNKNOWN


def test_what_the_owner_s_pattern_finds_beside_items_is_testimony_without_a_fault_too() -> None:
    tale = good_fine(figures=Figures())
    tale.began(3, "a", "ghost")
    assert "ghost" in tale.failure("S2").reason


def test_a_worker_that_says_nothing() -> None:
    tale = Tale("fine", faults=("a fault",))
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.settled(2, "a", "apple")
    tale.harmed(3, "a fault")
    tale.over(9)
    assert tale.finds("S2") is Outcome.UNKNOWN


def test_an_item_that_is_no_text_may_be_printed_in_any_way() -> None:
    tale = Tale("fine", figures=MATCHED)
    item = Raw(b"\xff\xfe")
    tale.sent(item)
    tale.came(1, "a")
    tale.given(1, "a", item)
    tale.began(1.1, "a", r"\xff\xfe")
    tale.over(9)
    assert tale.finds("S2") is Outcome.PASS


def test_a_line_says_whether_work_began_or_ended() -> None:
    tale = Tale("fine", figures=MATCHED)
    tale.came(1, "a")
    tale.began(2, "a", "cherry")
    tale.finished(3, "a", "date")
    tale.over(9, "the connection was lost")  # what was seen stands all the same
    began, ended = tale.judged("S2").findings
    assert "says that it begins cherry" in began.reason
    assert "says that it has finished date" in ended.reason
    assert {began.outcome, ended.outcome} == {Outcome.FAIL}


def test_the_first_line_is_shown() -> None:
    tale = Tale("fine", figures=MATCHED)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    first = tale.began(1.1, "a", "apple")
    tale.finished(2, "a", "apple")
    tale.over(9)
    (finding,) = tale.judged("S2").findings
    assert (finding.outcome, finding.evidence) == (Outcome.PASS, (first,))


def test_the_first_of_the_lines_about_something_else_is_shown() -> None:
    tale = Tale("fine", figures=Figures(starts_matched=False))
    tale.came(1, "a")
    first = tale.began(3, "a", "the day with coffee")
    tale.began(3, "a", "the evening with tea")
    tale.over(9)
    (finding,) = tale.judged("S2").findings
    assert finding.evidence == (first,)


def test_nothing_that_was_said_is_told() -> None:
    tale = Tale("fine", figures=MATCHED)
    tale.sent("apple")
    tale.over(9)
    (finding,) = tale.judged("S2").findings
    assert finding.reason == "no worker has said anything in this run"


def instead(given: str, says: str, *, settles: bool = True) -> Tale:
    """Two items are worked on as they should be; of the third one `says` stands in the log."""
    tale = Tale("fine")
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "a")
    tale.came(1, "b")
    tale.worked(1, "a", "apple")
    tale.worked(1, "b", "banana")
    tale.given(3, "a", given)
    tale.began(3.1, "a", says)
    if settles:
        tale.settled(4, "a", given)
    tale.over(9)
    return tale


def test_work_on_an_item_that_another_was_given() -> None:
    failure = instead("cherry", "banana").failure("S2")
    assert "was given cherry" in failure.reason
    assert "begins banana" in failure.reason


def test_a_word_about_another_s_item_beside_its_own_is_not_understood() -> None:
    tale = instead("cherry", "banana")
    tale.events.pop()  # the end
    tale.began(3.2, "a", "cherry")
    tale.over(9)
    assert tale.finds("S2") is Outcome.UNKNOWN


def test_a_word_about_another_s_item_by_who_settles_nothing() -> None:
    assert instead("cherry", "banana", settles=False).finds("S2") is Outcome.UNKNOWN


def test_who_names_its_items_only_at_the_end_works_on_those() -> None:
    tale = Tale("coarse", completions=2)
    tale.sent("apple", "banana")
    for who, name in (("a", "apple"), ("b", "banana")):
        tale.came(1, who)
        tale.given(1, who, name)
        tale.finished(2, who, name)
        tale.settled(2, who, name)
    tale.over(9)
    assert tale.finds("S2") is Outcome.PASS
