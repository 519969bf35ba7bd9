"""Processes end when they must, and waits say what they waited for."""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251  # a process of its own has to be killed
import sys
from pathlib import Path

import pytest

from harness.core import clock, commands
from harness.core.clock import NotYet, wait_until
from harness.core.errors import CommandFailed, TimedOut
from harness.core.process_identity import current_process


def test_run_gives_output_and_exit_code() -> None:
    done = commands.run(
        ["sh", "-c", "cat; echo err >&2; exit 3"], timeout=5, stdin="in", check=False
    )
    assert (done.code, done.stdout, done.stderr) == (3, "in", "err\n")


def test_a_failed_command_shows_its_last_lines() -> None:
    with pytest.raises(CommandFailed, match=r"exit code 4\n    why it failed"):
        commands.run(["sh", "-c", "echo why it failed; exit 4"], timeout=5)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(CommandFailed, match="could not start no-such-program"):
        commands.run(["no-such-program"], timeout=5)


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(TimedOut, match=r"longer than 0\.5 s"):
        commands.run(["sh", "-c", f"sleep 60 & echo $! $$ > {pids}; wait"], timeout=0.5)
    assert not any(current_process(int(pid)).alive for pid in pids.read_text().split())


def test_lines_are_told_as_they_come() -> None:
    lines: list[str] = []
    commands.run(["sh", "-c", "echo one; echo two >&2"], timeout=5, on_line=lines.append)
    assert sorted(lines) == ["one", "two"]


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "from harness.core import commands\n"
        f"commands.run(['sh', '-c', 'echo $$ > {pid}; sleep 60'], timeout=60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])

    def begun() -> int:
        if not pid.exists() or not pid.read_text().strip():
            raise NotYet("no pid")
        return int(pid.read_text())

    child = current_process(wait_until("the child to start", begun, timeout=20, interval=0.05))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(5)

    def ended() -> None:
        if child.alive:
            raise NotYet(f"{child.pid} runs")

    wait_until("the child to end", ended, timeout=5, interval=0.05)


def test_wait_returns_what_the_probe_found() -> None:
    answers = iter([None, None, "found"])

    def probe() -> str:
        answer = next(answers)
        if answer is None:
            raise NotYet("nothing")
        return answer

    assert wait_until("it", probe, timeout=5, interval=0) == "found"


def test_a_wait_in_vain_says_for_what_and_what_was_seen() -> None:
    def probe() -> None:
        raise NotYet("2 of 3 pods")

    with pytest.raises(TimedOut) as caught:
        wait_until("3 pods", probe, timeout=0.05, interval=0.01, todo="look at the pods")
    assert str(caught.value) == (
        "waited 0.05 s in vain for 3 pods\n"
        "  expected: 3 pods\n  saw: 2 of 3 pods\n  to do: look at the pods"
    )


def test_other_errors_end_a_wait_at_once() -> None:
    begun = clock.monotonic()
    with pytest.raises(ValueError, match="invalid literal"):
        wait_until("never", lambda: int("x"), timeout=60)
    assert clock.monotonic() - begun < 30


def test_a_process_is_told_from_another_with_its_number() -> None:
    mine = current_process()
    assert mine.alive
    assert not type(mine)(mine.pid, mine.began + 1).alive


def test_an_interrupt_before_anything_is_read_leaves_no_open_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands._Reader, "start", interrupted)
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  # names are enough
    with pytest.raises(KeyboardInterrupt):
        commands.run(["sleep", "60"], timeout=60, stdin="x")
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208  # as above
