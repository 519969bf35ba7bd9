"""A server that runs for the length of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.core import commands
from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError

_TAIL = 15
Said = Sequence[str]


@contextmanager
def running(
    what: str, words: Sequence[str | Path], ready: Callable[[Said], bool], *, timeout: float
) -> Iterator[Said]:
    """Start a server and wait, at most `timeout` seconds, until it is ready; end it afterwards.

    `ready` is given the lines that it wrote so far, and so is the block: more come in there.
    """
    said: list[str] = []
    with commands.background(words, what=what, on_line=said.append) as process:

        def probe() -> None:
            if ready(said):
                return
            code = process.poll()
            tail = "\n".join(f"    {line}" for line in said[-_TAIL:])
            if code is not None:
                raise InfrastructureError(
                    f"{what} ended with code {code} before it was ready",
                    expected=f"`{' '.join(map(str, words))}` to stay",
                    seen=f"the end of its output:\n{tail}",
                )
            raise NotYet(f"the end of its output:\n{tail}")

        wait_until(f"{what} to be ready", probe, timeout=timeout, interval=0.2)
        yield said
