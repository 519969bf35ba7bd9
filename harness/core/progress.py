"""Progress output of long steps: a spinner on a terminal, otherwise one line per step."""

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

#: Seconds between two heartbeat lines of a long step without a terminal.
HEARTBEAT = 30.0


class Progress:
    """Reports steps on a stream (default: standard error); safe to share between threads."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)

    @property
    def is_live(self) -> bool:
        """Whether the output can be redrawn in place."""
        return self._console.is_terminal

    def live_display(self, first: RenderableType) -> Live:
        """Return a display at the end of the terminal; notes appear above it.

        The caller starts it.
        """
        return Live(
            first,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def note(self, line: str) -> None:
        """Print one line at once."""
        self._console.print(f"queuejob: {line}", markup=False)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Report a step and its duration.

        The block can report a detail by calling the function that it receives.
        """
        started_at = monotonic()
        live = self._live(title, started_at) if self.is_live else self._plain(title, started_at)
        try:
            with live as detail:
                yield detail
        except BaseException:
            self.note(f"{title}: failed after {monotonic() - started_at:.0f} s")
            raise
        self.note(f"{title}: {monotonic() - started_at:.1f} s")

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
        latest, stopped = [""], threading.Event()

        def beat() -> None:
            while not stopped.wait(HEARTBEAT):
                self.note(f"{title}: {monotonic() - begun:.0f} s so far. {latest[0][-120:]}")

        def detail(text: str) -> None:
            latest[0] = text

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield detail
        finally:
            stopped.set()
            thread.join()


#: Callback for one progress line.
Notify = Callable[[str], None]
