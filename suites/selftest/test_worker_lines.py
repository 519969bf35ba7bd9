"""What workers write, as events: that they begin and end, and which bytes they work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from histories import header

from harness.history import ItemDone, ItemStarted, LogLine, What, WorkDigested, Worker
from harness.observe.listener import Run
from harness.observe.owners import Owners
from harness.observe.recording import Recording
from harness.observe.workers import Workers

HEX = "0123456789abcdef" * 4
A = Worker("pod-a")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Callable[[str], list[What]]]:
    """The events that a line makes, in the year of the histories' beginning."""
    recording = Recording(tmp_path / "history.ndjson", header())
    workers = Workers(recording, Owners(lambda _: None), "job", [b"apple"])

    def read(text: str) -> list[What]:
        before = len(recording.events)
        workers.line(Run("pod-a", "c", 0), f"2026-01-01T00:00:02Z {text}")
        return [event.what for event in recording.events[before:]]

    yield read
    recording.close()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Working on apple", ItemStarted("apple", A, 1, 2.0)),
        ("Done apple", ItemDone("apple", A, 1, 2.0)),
        (f"sha256 {HEX}", WorkDigested(HEX, A, 1, 2.0)),
        (f"read 5 bytes, sha256={HEX.upper()}.", WorkDigested(HEX, A, 1, 2.0)),
        (f"sha256 {HEX}0", None),
        ("sha256 of apple", None),
    ],
)
def test_a_line(told: Callable[[str], list[What]], text: str, what: What | None) -> None:
    line, *rest = told(text)
    assert isinstance(line, LogLine)
    assert rest == ([] if what is None else [what])
