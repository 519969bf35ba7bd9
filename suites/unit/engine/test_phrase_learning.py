"""A worker's own words for a beginning are learned from where they stand, without a fault."""

from __future__ import annotations

import pytest

from harness.engine import phrase_learning
from harness.history import ItemStarted, LogLine
from harness.history.log_phrases import LineReader, Statement
from harness.suites.unit.dsl.history import Tale

ITEMS = (b"apple-1f", b"banana-2f", b"cherry-3f")


def run(begins: str = "-> {}", ends: str = "<- {}", *, late: float = 0.02) -> Tale:
    """One worker does all items, a second each; its lines come so many seconds late."""
    tale = Tale("fine")
    tale.sent(*(item.decode() for item in ITEMS))
    tale.came(1, "a")
    for number, item in enumerate(ITEMS):
        name, at = item.decode(), 1.0 + number
        tale.given(at, "a", name)
        for text, moment in ((begins, at + late), (ends, at + 0.9 + late)):
            if text:
                line = LogLine(tale.worker("a"), text.format(name), moment)
                tale.put(moment, "logs", line)
        tale.settled(at + 0.95, "a", name)
    tale.over(9)
    return tale


def said(tale: Tale) -> list[ItemStarted]:
    return phrase_learning.statements(tale.header, tale.events, ITEMS)


@pytest.mark.parametrize("begins", ["-> {}", "{}", "Bearbeite {} ...", '{{"take":"{}","n":17}}'])
def test_the_line_that_comes_with_each_item_says_a_beginning(begins: str) -> None:
    told = said(run(begins))
    assert [one.item for one in told] == [item.decode() for item in ITEMS]
    assert not any(one.guess for one in told)


def test_where_lines_come_late_or_only_at_the_end_nothing_is_learned() -> None:
    assert said(run(late=0.6)) == []
    assert said(run(begins="")) == []


def test_where_built_in_words_tell_nothing_is_learned() -> None:
    tale = run()
    tale.began(1.1, "a", "apple-1f")
    assert said(tale) == []


def test_a_line_that_is_missing_once_or_comes_twice_says_nothing() -> None:
    tale = run()
    tale.put(9, "logs", LogLine(tale.worker("a"), "-> apple-1f", 9.0))
    assert said(tale) == []
    few = run()
    lines = [one for one in few.events if isinstance(one.what, LogLine)]
    few.events.remove(lines[0])
    assert said(few) == []


def test_the_next_runs_read_what_was_learned() -> None:
    tale = run("Bearbeite {} ...")
    for one in said(tale):
        line = next(
            event.id
            for event in tale.events
            if isinstance(event.what, LogLine) and str(one.item) in str(event.what.text)
        )
        tale.put(9, "logs", ItemStarted(one.item, one.worker, line, one.at))
    form = phrase_learning.learned_phrase(tale.events, ITEMS)
    reader = LineReader((b"kiwi-9f",), begins=form)
    assert reader.read("Bearbeite kiwi-9f ...") == Statement("start", "kiwi-9f")
    assert reader.read("Fertig mit kiwi-9f") is None
    assert reader.read("Bearbeite ghost-7f ...") == Statement("start", "ghost-7f", "alike")
