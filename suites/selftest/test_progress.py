"""How a campaign goes on, as a person is shown it: counted, told between processes, drawn."""

from __future__ import annotations

import io
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from harness.board import Board, Plain, picture
from harness.bulletin import Pen, Reader
from harness.history import (
    SCHEMA,
    Bounds,
    Header,
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    LeaseExpired,
    What,
)
from harness.news import Begun, Items, News, Note, Over, Planned, Waiting
from harness.observe.recording import Recording
from harness.observe.tally import Tally
from harness.progress import Progress

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
#: How a campaign begins: one scenario of two is played, and has been given eight items.
BEGINNING: tuple[News, ...] = (
    Planned(("calm", "storm")),
    Begun("calm", "nothing happens"),
    Items("calm", 8, 3, 2, 1),
)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def end(seconds: float = 60) -> Waiting:
    return Waiting("calm", "the end of the Job", later(seconds))


@pytest.mark.parametrize(
    ("whats", "figures"),
    [
        ([ItemEnqueued("x", "q"), ItemEnqueued("x", "q")], (2, 0, 0, 0)),
        ([ItemDelivered("x", 1)], (0, 0, 1, 0)),
        ([ItemDelivered("x", 1, final=True)], (0, 1, 0, 0)),
        ([ItemDelivered("x", 1), ItemLeased("x", 1, "t", 9.0)], (0, 0, 1, 0)),
        ([ItemDelivered("x", 1), ItemSettled("x", 1, "acked")], (0, 1, 0, 0)),
        ([ItemDelivered("x", 1), ItemSettled("x", 1, "acked", effective=False)], (0, 0, 1, 0)),
        ([ItemDelivered("x", 1), ItemReturned("x", 1)], (0, 0, 0, 0)),
        ([ItemDelivered("x", 1), ItemReturned("x", 1), ItemDelivered("x", 2)], (0, 0, 1, 1)),
        ([ItemDelivered("x", 1), LeaseExpired("x"), ItemReclaimed("x", 2)], (0, 0, 0, 1)),
    ],
)
def test_items_are_counted_as_the_broker_treats_them(
    whats: list[What], figures: tuple[int, int, int, int]
) -> None:
    tally = Tally()
    assert tally.count(whats[0])
    for what in whats[1:]:
        tally.count(what)
    assert tally.figures == figures


def test_a_recording_tells_items_and_waits(tmp_path: Path) -> None:
    """A wait is told with its bound, and that it is over, also when it was in vain."""
    heard: list[News] = []
    header = Header(SCHEMA, "s", "fine", "image", NOW, Bounds(1, 1, 1))
    recording = Recording(tmp_path / "history.ndjson", header, heard.append, "calm")
    recording.record("tap", ItemDelivered("x", 1))
    recording.record("tap", ItemLeased("x", 1, "again", 9.0))
    recording.wait_quietly("rain", lambda _: None, timeout=0.01)
    recording.close()
    assert heard[0] == Items("calm", 0, 0, 1, 0)
    assert isinstance(heard[1], Waiting)
    assert heard[1].what == "rain"
    assert heard[1].until is not None
    assert heard[2:] == [Waiting("calm", "")]


def test_news_arrive_whole_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "news"
    reader = Reader(path)
    pen = Pen(path)
    for one in BEGINNING:
        pen(one)
    assert reader.read() == list(BEGINNING)
    with path.open("ab") as file:
        file.write(b'{"type":"note",')
        file.flush()
        assert reader.read() == []
        file.write(b'"line":"late"}\n')
    assert reader.read() == [Note("late")]
    pen(Over("calm", "w" * 9000))
    (over,) = reader.read()
    assert isinstance(over, Over)
    assert len(over.why) < 2000
    reader.close()


def test_nobody_reads_any_more(tmp_path: Path) -> None:
    assert not Pen(tmp_path / "gone").tell(Note("x"))
    assert not (tmp_path / "gone").exists()


def test_a_line_per_step_and_for_waits_that_last() -> None:
    lines: list[str] = []
    plain = Plain(lines.append)
    plain.show([*BEGINNING, end()], NOW)
    assert lines == ["calm begins: nothing happens"]
    plain.show([], later(1))
    assert len(lines) == 1
    plain.show([], later(3))
    assert lines[1:] == [
        "calm: 3 of 8 items done, 2 leased, 1 reclaimed; "
        "waits for the end of the Job, until 03:05:05 UTC at most"
    ]
    plain.show([Waiting("calm", ""), end(70)], later(10))  # for the same again: not so soon
    assert len(lines) == 2
    plain.show([], later(40))
    assert lines[2].endswith("until 03:05:15 UTC at most")
    plain.show([Note("something else"), Over("calm", "the broker is gone\n  to do: …")], later(50))
    assert lines[3:] == [
        "something else",
        "calm is over, but not to its end: the broker is gone. "
        "1 of 2 scenarios played, 1 of them not to the end",
    ]


def test_one_that_is_begun_again_counts_once() -> None:
    board = Board()
    for one in (*BEGINNING, Begun("calm", "once more"), Over("calm"), Items("calm", 8, 8, 0, 0)):
        board.take(one, NOW)
    assert board.score() == "1 of 2 scenarios played"
    assert board.going == {}


def test_the_picture_shows_all_at_every_width() -> None:
    board = Board()
    wait = Waiting("calm", "[red]\x1b[31m the end", later(60))
    for one in (*BEGINNING, wait):
        board.take(one, NOW)
    for width in (40, 120):
        stream = io.StringIO()
        Console(file=stream, width=width).print(picture(board, NOW))
        text = stream.getvalue()
        assert "\x1b" not in text
        assert text.startswith("queuejob: 0 of 2 scenarios played")
    assert "3 of 8" in text
    assert "[red]\\x1b[31m the end" in text
    assert "03:05:05 (60 s)" in text


def test_notes_go_above_a_picture_that_leaves_nothing_behind() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    assert not progress.is_live
    with progress.picture("drawn") as live:
        progress.note("told")
        live.update("drawn anew", refresh=True)
    assert "queuejob: told\n" in stream.getvalue()


#: A suite like the core profile's, played by a worker that needs no cluster.
SUITE = """
import time
import pytest
from harness.fixtures.keys import BENCH, HEAR, FINDINGS
from harness.news import Begun, Items, Over, Waiting

@pytest.mark.queuejob_profile
@pytest.mark.parametrize("scenario", ["calm", "storm"])
def test_core(request, scenario):
    hear = request.config.stash[HEAR]
    hear(Begun(scenario, "a test"))
    hear(Items(scenario, 8, 3, 2, 1))
    request.config.stash[BENCH].progress.note(f"note of {scenario}")
    request.node.user_properties.append((FINDINGS, [scenario, "S1", "pass"]))
    hear(Over(scenario))
"""


@pytest.mark.parametrize("xdist", ["-n0", "-n2"])
def test_the_controller_tells_for_all_processes(pytester: pytest.Pytester, xdist: str) -> None:
    """Also what is told last; and nothing stays behind."""
    pytester.makepyfile(SUITE)
    pytester.mkdir("tmp")
    pytester.makeini("[pytest]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(pytester.path / "tmp"))
        patch.setenv("QUEUEJOB_STATE", str(pytester.path / "state"))
        result = pytester.runpytest_subprocess(
            xdist, "--queuejob-image=x", "--queuejob-pattern=fine"
        )
    assert result.ret == 0
    told = [line for line in result.errlines if line.startswith("queuejob: ")]
    for scenario in ("calm", "storm"):
        assert f"queuejob: {scenario} begins: a test" in told
        assert f"queuejob: note of {scenario}" in told
    assert told[-1].endswith("is over. 2 of 2 scenarios played")
    assert list((pytester.path / "tmp").glob("queuejob-*")) == []


def test_on_a_terminal_the_picture_stands_alone(pytester: pytest.Pytester) -> None:
    """No letter for each test is written across it; `script` gives it a terminal."""
    pytester.makepyfile(SUITE.replace("hear(Over", "time.sleep(1); hear(Over"))
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-n2"]
    command = shlex.join([*words, "--queuejob-image=x", "--queuejob-pattern=fine"])
    result = pytester.run("script", "-qefc", command, "/dev/null")
    assert result.ret == 0
    text = result.stdout.str()
    assert "queuejob: note of calm" in text
    assert "2 of 2 scenarios played" in text
    assert "3 of 8" in text
    assert not any(set(line.strip()) == {"."} for line in text.splitlines())
