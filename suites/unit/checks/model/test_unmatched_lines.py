"""Lines in the words of a beginning that name no item: chatter, or work on what nobody sent."""

from __future__ import annotations

from harness.checks.model import measure
from harness.checks.verdict import Outcome
from harness.history import Figures, Raw
from harness.suites.unit.dsl.history import Tale


def tale(*, named: bool = True) -> Tale:
    """A worker that names the first item that it is given, and the second one where it should."""
    told = Tale("fine", figures=Figures(starts_matched=True))
    told.sent("apple-ab1")
    told.sent("melon-ab2")
    told.came(1, "a")
    told.given(1, "a", "apple-ab1")
    told.began(1.1, "a", "apple-ab1")
    told.settled(2, "a", "apple-ab1")
    told.given(2.1, "a", "melon-ab2")
    if named:
        told.began(2.2, "a", "melon-ab2")
    return told


def test_something_else_in_an_items_place_is_about_no_item() -> None:
    told = tale()
    told.began(2.3, "a", "plums", "other")
    told.over(9)
    assert told.finds("S2") is Outcome.PASS
    assert measure(told.view()).starts_matched is True


def test_a_mangled_item() -> None:
    told = tale()
    told.began(2.3, "a", "melon", "mangled")
    told.over(9)
    assert told.finds("S2") is Outcome.FAIL
    assert measure(told.view()).starts_matched is False


def test_another_item_in_place_of_the_one_at_hand() -> None:
    told = tale(named=False)
    line = told.began(2.3, "a", "peach-ab7", "alike")
    told.over(9)
    failure = told.failure("S2")
    assert failure.evidence == (line,)
    assert "peach-ab7" in failure.reason


def test_another_item_beside_the_right_one_is_not_known_to_be_one() -> None:
    told = tale()
    told.began(2.3, "a", "peach-ab7", "alike")
    told.over(9)
    assert told.finds("S2") is Outcome.UNKNOWN


def test_another_item_by_the_owners_pattern() -> None:
    told = tale()
    told.began(2.3, "a", "peach-ab7")
    told.over(9)
    assert told.finds("S2") is Outcome.FAIL


def test_an_item_that_is_no_text_is_named_in_the_form_of_other_lines() -> None:
    told = tale()
    odd = Raw(b"\xff\xfe")
    told.sent(odd)
    told.settled(2.9, "a", "melon-ab2")
    told.given(3, "a", odd)
    told.began(3.2, "a", "??", "odd")
    told.over(9)
    (attempt,) = told.view().items[odd].attempts
    assert attempt.started is not None
    assert attempt.started.at == 3.2


def test_a_line_by_a_worker_that_has_nothing() -> None:
    told = tale()
    told.came(3, "b")
    told.began(3.1, "b", "peach-ab7", "alike")
    told.over(9)
    assert told.finds("S2") is Outcome.UNKNOWN
