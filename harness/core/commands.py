"""Processes: the only module that starts any.

Each child runs in a session of its own, so that Ctrl-C reaches us alone and we decide how the
child ends: when a call is left early, for whatever reason, its whole process group goes with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join
from shutil import which
from typing import IO

from harness.core.clock import monotonic
from harness.core.errors import CommandFailed, TimedOut

__all__ = ["Completed", "Running", "background", "daemon", "end", "run", "which"]

#: Seconds between SIGTERM and SIGKILL for a child that is no longer wanted.
GRACE = 10.0
_TAIL = 30


@dataclass(frozen=True)
class Completed:
    """How a process ended: its exit code (negative: the signal), its output, its duration (s)."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.code == 0


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float,
    what: str = "",
    check: bool = True,
    stdin: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a command to its end and return what it said.

    `timeout` is in seconds; `env` is added to the environment; `on_line` sees every line of
    standard output and standard error as it comes. Raises `TimedOut` when it takes longer, and
    `CommandFailed` when the program is not there or, with `check`, when its exit code is not 0.
    """
    words = tuple(str(word) for word in argv)
    purpose = what or join(words)
    begun = monotonic()
    with _child(words, purpose, stdin is not None, cwd, env, on_line=on_line) as (
        process,
        (out, err),
    ):
        if stdin is not None and process.stdin:
            # The child may end before it has read everything: its exit code then tells.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(stdin)
                process.stdin.close()
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimedOut(
                f"{purpose} took longer than {timeout:g} s",
                expected=f"`{join(words)}` to end",
                seen=(out.text() + err.text())[-2000:] or "no output",
            ) from None
    done = Completed(words, code, out.text(), err.text(), monotonic() - begun)
    if check and code != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise CommandFailed(
            f"{purpose} failed",
            expected=f"`{join(words)}` to exit with 0",
            seen=f"exit code {code}\n" + "\n".join(f"    {line}" for line in lines[-_TAIL:]),
        )
    return done


@contextlib.contextmanager
def background(
    argv: Sequence[str | Path],
    *,
    what: str = "",
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Iterator[Running]:
    """Run a command for as long as the block lasts, then end it and all that it started."""
    words = tuple(str(word) for word in argv)
    with _child(words, what or join(words), False, None, env, on_line=on_line) as (
        process,
        readers,
    ):
        yield Running(process, readers)


def daemon(argv: Sequence[str | Path], *, log: Path, what: str = "") -> subprocess.Popen[bytes]:
    """Start a command that outlives us: own session, no terminal, output appended to `log`."""
    words = tuple(str(word) for word in argv)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        try:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise _not_started(words, what or join(words), str(error)) from error


def end(process: subprocess.Popen[str]) -> None:
    """End a child and its process group: politely, and after `GRACE` seconds for certain."""
    for sign, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


@contextlib.contextmanager
def _child(
    words: tuple[str, ...],
    purpose: str,
    feeds: bool,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    *,
    on_line: Callable[[str], None] | None,
) -> Iterator[tuple[subprocess.Popen[str], tuple[_Reader, _Reader]]]:
    program = which(words[0])
    if program is None:
        raise _not_started(words, purpose, "there is no such program on PATH")
    try:
        process = subprocess.Popen(
            [*_tether(), program, *words[1:]],
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(words, purpose, str(error)) from error
    readers = (_Reader(process.stdout, on_line), _Reader(process.stderr, on_line))
    try:
        for reader in readers:
            reader.start()
        yield process, readers
    finally:
        if process.poll() is None:
            end(process)
        for reader in readers:
            reader.finish()
        if process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def _tether() -> list[str]:
    """What makes the kernel end a child when we are killed and can no longer do it ourselves."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] if which("setpriv") else []


def _not_started(words: tuple[str, ...], purpose: str, reason: str) -> CommandFailed:
    return CommandFailed(
        f"{purpose}: could not start {words[0]}",
        expected=f"a program `{words[0]}` that can be run",
        seen=reason,
        todo="see `queuejob doctor` for what is missing on this machine",
    )


class Running:
    """A command in the background."""

    def __init__(self, process: subprocess.Popen[str], readers: Sequence[_Reader]) -> None:
        self._process, self._readers = process, readers

    def poll(self) -> int | None:
        """The exit code, or None while it runs; all that it wrote has then been told."""
        code = self._process.poll()
        if code is not None:
            for reader in self._readers:
                reader.text()
        return code


class _Reader:
    """Drains one stream in a thread of its own, so that no child ever blocks on a full pipe."""

    def __init__(self, stream: IO[str] | None, on_line: Callable[[str], None] | None) -> None:
        self._lines: list[str] = []
        self._stream, self._on_line = stream, on_line
        self._thread = threading.Thread(target=self._drain, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """After the child's end: let go of the stream, also where an interrupt came first."""
        if self._thread.ident is not None:
            self.text()
        elif self._stream is not None:
            self._stream.close()

    def _drain(self) -> None:
        if self._stream is None:
            return
        # A stream that we closed ourselves, because its process was ended, has no more to say.
        with contextlib.suppress(ValueError), self._stream as stream:
            for line in stream:
                self._lines.append(line)
                if self._on_line:
                    self._on_line(line.rstrip("\n"))

    def text(self) -> str:
        # A grandchild can keep the pipe open after the child's end: what is here is enough then.
        self._thread.join(2.0)
        return "".join(self._lines)
