"""Lines in the words of a beginning that name no item: chatter, or work on what nobody sent."""

from __future__ import annotations

import pytest
from histories import Tale

from harness.history import Figures, Raw
from harness.verdict import Outcome
from harness.view import figures

NAMED, GUESS = "Working on\0", "Working on"


def tale(*, named: bool = True) -> Tale:
    """A worker that names the first item that it is given, and the second one where it should."""
    told = Tale("fine", figures=Figures(starts_matched=True))
    told.sent("apple-ab1")
    told.sent("melon-ab2")
    told.came(1, "a")
    told.given(1, "a", "apple-ab1")
    told.began(1.1, "a", "apple-ab1", NAMED)
    told.settled(2, "a", "apple-ab1")
    told.given(2.1, "a", "melon-ab2")
    if named:
        told.began(2.2, "a", "melon-ab2", NAMED)
    return told


@pytest.mark.parametrize(
    "words",
    ["it", "all of it, bye", "IT", "plums", "the rest (3 left)", "2026-12-01 nothing"],
)
def test_chatter_is_about_no_item(words: str) -> None:
    told = tale()
    told.began(2.3, "a", words, GUESS)
    told.over(9)
    assert told.finds("S2") is Outcome.PASS
    assert figures(told.view()).starts_matched is True


def test_other_words_than_those_in_which_it_names_items_say_nothing() -> None:
    told = tale()
    told.began(2.3, "a", "peach-ab7", "INFO Starting")
    told.over(9)
    assert told.finds("S2") is Outcome.PASS


@pytest.mark.parametrize("words", ["mel", "melon", "MELON-AB2", "melon-ab2x", "apple"])
def test_a_mangled_item(words: str) -> None:
    told = tale()
    told.began(2.3, "a", words, GUESS)
    told.over(9)
    assert told.finds("S2") is Outcome.FAIL
    assert figures(told.view()).starts_matched is False


def test_another_item_in_place_of_the_one_at_hand() -> None:
    told = tale(named=False)
    line = told.began(2.3, "a", "peach-ab7", GUESS)
    told.over(9)
    failure = told.failure("S2")
    assert failure.evidence == (line,)
    assert "peach-ab7" in failure.reason


def test_another_item_beside_the_right_one_is_not_known_to_be_one() -> None:
    told = tale()
    told.began(2.3, "a", "peach-ab7", GUESS)
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
    told.began(3.1, "a", "the next one now", "INFO Starting")
    told.began(3.2, "a", "??", GUESS)
    told.over(9)
    (attempt,) = told.view().items[odd].attempts
    assert attempt.started is not None
    assert attempt.started.at == 3.2


def test_a_line_by_a_worker_that_has_nothing() -> None:
    told = tale()
    told.came(3, "b")
    told.began(3.1, "b", "peach-ab7", GUESS)
    told.over(9)
    assert told.finds("S2") is Outcome.UNKNOWN
