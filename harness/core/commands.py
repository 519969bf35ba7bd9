"""Processes: the only module that starts any.

Each child runs in its own session, so that Ctrl-C reaches only this process, which then decides how
the child ends. When a call is left early, for any reason, it ends the whole process group.
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
    """Result of a process that has ended."""

    argv: tuple[str, ...]
    #: Exit code; negative: the number of the signal that ended the process.
    code: int
    stdout: str
    stderr: str
    #: Duration.
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
    """Run a command to its end and return its result.

    Args:
        argv: Program and arguments.
        timeout: Seconds.
        what: Purpose of the command, for errors.
        check: Raise when the exit code is not 0.
        stdin: Text for standard input.
        cwd: Working directory.
        env: Variables to add to the environment.
        on_line: Gets every line of standard output and standard error as it arrives.

    Raises:
        TimedOut: The command takes longer than `timeout`.
        CommandFailed: The program does not exist or, with `check`, its exit code is not 0.
    """
    command = tuple(str(word) for word in argv)
    purpose = what or join(command)
    started_at = monotonic()
    with _child(command, purpose, stdin is not None, cwd, env, on_line=on_line) as (
        process,
        (out, err),
    ):
        if stdin is not None and process.stdin:
            # The child may end before it has read everything; its exit code then shows whether it
            # failed.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(stdin)
                process.stdin.close()
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimedOut(
                f"{purpose} took longer than {timeout:g} s",
                expected=f"`{join(command)}` to end",
                seen=(out.text() + err.text())[-2000:] or "no output",
            ) from None
    completed = Completed(command, code, out.text(), err.text(), monotonic() - started_at)
    if check and code != 0:
        lines = (completed.stdout + completed.stderr).strip().splitlines()
        raise CommandFailed(
            f"{purpose} failed",
            expected=f"`{join(command)}` to exit with 0",
            seen=f"exit code {code}\n" + "\n".join(f"    {line}" for line in lines[-_TAIL:]),
        )
    return completed


@contextlib.contextmanager
def background(
    argv: Sequence[str | Path],
    *,
    what: str = "",
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Iterator[Running]:
    """Run a command while the block lasts, then end it and all processes that it started."""
    command = tuple(str(word) for word in argv)
    with _child(command, what or join(command), False, None, env, on_line=on_line) as (
        process,
        readers,
    ):
        yield Running(process, readers)


def daemon(argv: Sequence[str | Path], *, log: Path, what: str = "") -> subprocess.Popen[bytes]:
    """Start a command that outlives this process, with its output appended to `log`.

    It has its own session and no terminal.
    """
    command = tuple(str(word) for word in argv)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as log_file:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise _not_started(command, what or join(command), str(error)) from error


def end(process: subprocess.Popen[str]) -> None:
    """End a child and its process group: SIGTERM first, SIGKILL after `GRACE` seconds."""
    for signal_number, grace in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
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
    """Return a command prefix that ends the child after a SIGKILL of this process.

    After a SIGKILL this process can no longer end the child; the kernel does it.
    """
    return ["setpriv", "--pdeathsig", "KILL", "--"] if which("setpriv") else []


def _not_started(words: tuple[str, ...], purpose: str, reason: str) -> CommandFailed:
    return CommandFailed(
        f"{purpose}: could not start {words[0]}",
        expected=f"a program `{words[0]}` that can be run",
        seen=reason,
        todo="see `queuejob doctor` for what is missing on this machine",
    )


class Running:
    """A command that runs in the background."""

    def __init__(self, process: subprocess.Popen[str], readers: Sequence[_Reader]) -> None:
        self._process, self._readers = process, readers

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs.

        With an exit code, `on_line` has received all output.
        """
        code = self._process.poll()
        if code is not None:
            for reader in self._readers:
                reader.text()
        return code


class _Reader:
    """Drains one stream in its own thread, so that no child ever blocks on a full pipe."""

    def __init__(self, stream: IO[str] | None, on_line: Callable[[str], None] | None) -> None:
        self._lines: list[str] = []
        self._stream, self._on_line = stream, on_line
        self._thread = threading.Thread(target=self._drain, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Release the stream after the end of the child, even if an interrupt prevented `start`."""
        if self._thread.ident is not None:
            self.text()
        elif self._stream is not None:
            self._stream.close()

    def _drain(self) -> None:
        if self._stream is None:
            return
        # Reading a stream that this process closed raises ValueError; there is no more output.
        with contextlib.suppress(ValueError), self._stream as stream:
            for line in stream:
                self._lines.append(line)
                if self._on_line:
                    self._on_line(line.rstrip("\n"))

    def text(self) -> str:
        # A grandchild can keep the pipe open after the end of the child: return what has arrived.
        self._thread.join(2.0)
        return "".join(self._lines)
