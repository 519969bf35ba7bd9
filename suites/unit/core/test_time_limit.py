"""How long a check may go on, and what is left when its time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.core import time_limit
from harness.core.errors import TimedOut
from harness.core.time_limit import OutOfTime, TimeLimit, unlimited
from harness.engine.observers.recorder import Recorder
from harness.suites.unit.dsl.history import header


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def goes_on(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time_limit, "now", made)
    return made


def test_all_processes_have_the_same_limit(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "core" / "fine"
    assert TimeLimit(folder, 900).left() == 900
    clock.goes_on(100)
    assert TimeLimit(folder, 900).left() == 800
    TimeLimit(folder, 900).check("killed-in-work")


def test_what_comes_later_is_not_played(tmp_path: Path, clock: Clock) -> None:
    one = TimeLimit(tmp_path, 900)
    one.left()
    clock.goes_on(900)
    with pytest.raises(OutOfTime) as raised:
        one.check("killed-in-work")
    assert "killed-in-work was not played: the time of --max-duration (900 s) was over" in str(
        raised.value
    )
    assert "--max-duration SECONDS" in str(raised.value)


def test_once_something_is_broken_a_third_is_enough(tmp_path: Path, clock: Clock) -> None:
    one = TimeLimit(tmp_path / "new", 900)
    one.broken()
    assert one.left() == 300
    clock.goes_on(301)
    with pytest.raises(OutOfTime, match="a guarantee was found broken"):
        one.check("killed-in-work")


def test_no_wait_goes_on_when_the_time_is_over(tmp_path: Path) -> None:
    left = 0.3
    recording = Recorder(tmp_path / "history.ndjson", header(), left=lambda: left)
    with pytest.raises(TimedOut, match="in vain"):
        recording.wait("nothing", lambda _: None, 0.1)
    assert recording.wait("something", lambda _: True, 10)
    left = 0.0
    with pytest.raises(OutOfTime, match="in a wait for nothing"):
        recording.wait_or_none("nothing", lambda _: None, 10)
    assert recording.wait("what is there already", lambda _: True, 10)
    recording.close()


def test_without_a_limit_there_is_always_time(tmp_path: Path) -> None:
    assert unlimited() > 1e9
    recording = Recorder(tmp_path / "history.ndjson", header())
    recording.in_time("nothing")
    recording.close()
