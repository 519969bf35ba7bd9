"""What a line of a log says about an item: built-in words are hints, a pattern is testimony."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history import Worker
from harness.history.log_phrases import Line, LineReader, Statement

ITEMS = (b"apple-ab10", b"apple-ab1", b"melon-ab2")


def read(text: str, *items: bytes, start: str = "", done: str = "") -> Statement | None:
    return LineReader(items or ITEMS, start, done).read(text)


@pytest.mark.parametrize(
    "text",
    [
        "Working on apple-ab1",
        "Processing apple-ab1 (attempt 2)",
        "processing 'apple-ab1'...",
        "2026-12-01T05:08:00Z INFO [w1] Working on apple-ab1",
        "\x1b[32mWorking on apple-ab1\x1b[0m",
        '{"level":"info","error":null,"msg":"Working on apple-ab1","attempt":1}',
        '{"event": "processing", "item": "apple-ab1"}',
        "Processing item #1: apple-ab1",
        "Processing apple-ab1 (failed before, attempt 2)",
        "begin item=apple-ab1;",
        "apple-ab1: processing",
    ],
)
def test_a_beginning(text: str) -> None:
    said = read(text)
    assert said is not None
    assert (said.kind, said.item) == ("start", "apple-ab1")


@pytest.mark.parametrize(
    "text",
    [
        "Done apple-ab1",
        "Finished apple-ab1 in 1.00s",
        "Finished processing apple-ab1",
        "done with apple-ab1 (0 errors)",
        "Processing apple-ab1... done",
        "Processing apple-ab1 ... done (1.0 s)",
        "apple-ab1 completed",
        '{"msg": "finished", "item": "apple-ab1", "error": null}',
        "Task apple-ab1 succeeded in 1.2s: None",
    ],
)
def test_an_end(text: str) -> None:
    said = read(text)
    assert said is not None
    assert (said.kind, said.item) == ("done", "apple-ab1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "apple-ab1",
        "Got apple-ab1",
        "Processing failed: apple-ab1",
        "Failed processing apple-ab1",
        "apple-ab1 was handled before, skipping",
        "apple-ab1 is already done",
        "Skipped apple-ab1: done before",
        "Finished apple-ab1 with error",
        "not done with apple-ab1",
        "apple-ab1 and melon-ab2: processing",
        "Stopped working on apple-ab1",
    ],
)
def test_neither(text: str) -> None:
    assert read(text) is None


def test_the_longest_item_is_named() -> None:
    said = read("Working on apple-ab10")
    assert said is not None
    assert said.item == "apple-ab10"


LINES = ["Working on {}", 'x {{"event": "processing", "item": "{}"}}', "Processing {} (try 1)"]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("token", "guess"),
    [
        ("apple-ab1x", "mangled"),
        ("appl", "mangled"),
        ("MELON-AB2", "mangled"),
        ("peach-ab7", "alike"),
        ("peach", "other"),
    ],
)
def test_something_else_in_an_items_place(line: str, token: str, guess: str) -> None:
    """Only by the form of lines that name items, which may come later."""
    reader, first = LineReader(ITEMS), Line(Worker("a"), 1, 0.5)
    text = line.format(token)
    assert reader.read(text) is None
    reader.keep(first, text)
    assert reader.late() == []
    assert reader.read(line.format("melon-ab2")) == Statement("start", "melon-ab2")
    assert reader.late() == [(first, Statement("start", token, guess))]
    assert reader.late() == []
    assert reader.read(text) == Statement("start", token, guess)


@pytest.mark.parametrize("words", ["it", "all of it, bye", "the rest (3 left)", "", "2026 nothing"])
def test_chatter_says_nothing(words: str) -> None:
    reader = LineReader(ITEMS)
    reader.read("Working on melon-ab2")
    assert reader.read(f"Working on {words}") is None
    assert reader.read(f"Starting {words}") is None


def test_a_word_that_has_a_short_item_in_it_is_not_that_item_mangled() -> None:
    reader = LineReader([b"7", b"3"])
    reader.read("Working on 7")
    assert reader.read("Working on 1700") == Statement("start", "1700", "alike")


def test_a_line_about_an_item_that_is_no_text() -> None:
    reader = LineReader([b"melon-ab2", b"\xff\xfe"])
    assert reader.read("Working on melon-ab2") == Statement("start", "melon-ab2")
    assert reader.read("Working on ??") == Statement("start", "??", "odd")
    assert reader.read("INFO Starting ??") is None


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("Working on 7 (attempt 3)", "7"),
        ("12:30:07 Working on 3", "3"),
        ("Finished 7 in 3 s", "7"),
        ("7 items to do, processing 3", "3"),
    ],
)
def test_items_that_are_numbers_follow_the_verb(text: str, item: str) -> None:
    said = read(text, b"7", b"3")
    assert said is not None
    assert said.item == item


def test_a_count_is_no_item() -> None:
    assert read("Working on it, 7 left", b"7") is None


@pytest.mark.parametrize("item", ["http://x/a?b=1", '{"id": 1}', "[1, 2]", "käse", "a b", "x/y"])
@pytest.mark.parametrize(
    "line", ["Working on {}", 'msg="Working on {}"', "Working on {} (2)", "Working on {}."]
)
def test_items_of_any_shape(item: str, line: str) -> None:
    said = read(line.format(item), item.encode())
    assert said is not None
    assert (said.kind, said.item) == ("start", item)


def test_an_item_within_a_json_line_is_escaped() -> None:
    said = read(r'{"msg": "Working on http:\/\/x\/\u00e9"}', "http://x/é".encode())
    assert said is not None
    assert said.item == "http://x/é"


def test_the_owners_pattern_is_testimony() -> None:
    said = read("take apple-ab9", start=r"take (?P<item>\S+)")
    assert said == Statement("start", "apple-ab9")
    assert read("Working on apple-ab1", start=r"take (?P<item>\S+)") is None
    assert read("take apple-ab1 (again)", start=r"take (?P<item>.+)") == Statement(
        "start", "apple-ab1"
    )
    done = read("Done apple-ab1", start=r"take (?P<item>\S+)")
    assert done is not None
    assert done.kind == "done"


@given(st.text(max_size=80), st.sampled_from(["Working on ", "Done ", "Processing: "]))
def test_whatever_is_written_is_about_a_sent_item_or_nothing(text: str, verb: str) -> None:
    said = read(verb + text)
    assert said is None or said.item in {"apple-ab10", "apple-ab1", "melon-ab2"}


@pytest.mark.parametrize(
    ("text", "kind"), [("Working on Working on it 1", "start"), ("Done Working on it 1", "done")]
)
def test_the_words_of_an_item_s_own_name_say_nothing(text: str, kind: str) -> None:
    said = read(text, b"Working on it 1", b"Done with it 2")
    assert said is not None
    assert (said.kind, said.item) == (kind, "Working on it 1")
