"""What a person sees while something takes long: a spinner on a terminal, else a line per step."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape

from harness.core.clock import monotonic

#: Seconds between two lines of sign of life in a long step without a terminal.
HEARTBEAT = 30.0


class Progress:
    """Tells of steps on one stream (default: standard error). Safe to share between threads."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)

    @property
    def is_live(self) -> bool:
        """Whether what is shown can be shown anew in its place."""
        return self._console.is_terminal

    def live_display(self, first: RenderableType) -> Live:
        """A place at the end of the terminal, above which notes go on; its user starts it."""
        return Live(
            first,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def note(self, line: str) -> None:
        """One line, at once."""
        self._console.print(f"queuejob: {line}", markup=False)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """A step with a duration; the block may report a detail by calling what it is given."""
        begun = monotonic()
        live = self._live(title, begun) if self.is_live else self._plain(title, begun)
        try:
            with live as detail:
                yield detail
        except BaseException:
            self.note(f"{title}: failed after {monotonic() - begun:.0f} s")
            raise
        self.note(f"{title}: {monotonic() - begun:.1f} s")

    @contextlib.contextmanager
    def _live(self, title: str, begun: float) -> Iterator[Callable[[str], None]]:
        with self._console.status(escape(title)) as status:

            def detail(text: str) -> None:
                seconds = monotonic() - begun
                status.update(f"{escape(title)} [dim]({seconds:.0f} s) {escape(text[-80:])}[/dim]")

            yield detail

    @contextlib.contextmanager
    def _plain(self, title: str, begun: float) -> Iterator[Callable[[str], None]]:
        self.note(f"{title} …")
        latest, over = [""], threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT):
                self.note(f"{title}: {monotonic() - begun:.0f} s so far. {latest[0][-120:]}")

        def detail(text: str) -> None:
            latest[0] = text

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield detail
        finally:
            over.set()
            thread.join()


class Silent(Progress):
    """Says nothing: for callers that have their own way to tell."""

    def note(self, line: str) -> None:
        """Nothing."""


#: Takes one line of news, for a person who waits.
Notify = Callable[[str], None]
