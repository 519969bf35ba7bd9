"""Records a history, and waits for events that must come."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from harness.core.clock import monotonic, now
from harness.core.errors import TimedOut
from harness.core.time_limit import Left, OutOfTime, unlimited
from harness.engine.observers.item_tally import ItemTally
from harness.engine.progress.events import ItemCounts, ProgressSink, WaitStarted, ignore_progress
from harness.history import Event, Gap, Header, Observation, Writer

T = TypeVar("T")

#: Seconds between two checks of a condition when no new event is recorded.
_POLL_INTERVAL = 0.5


class Recorder:
    """Writes events to a file as they come, and keeps them. Safe to share between threads.

    Moment 0 is the header's `started`. `hear` gets item counts and waits as progress events, under
    the name `name`.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        hear: ProgressSink = ignore_progress,
        name: str = "",
        left: Left = unlimited,
    ) -> None:
        self.header, self.path = header, path
        #: Returns the seconds until all waits have to end.
        self.left = left
        self._on_progress, self._name, self._tally = hear, name or header.scenario, ItemTally()
        #: Seconds since 1970 at moment 0.
        self.epoch = header.started.timestamp()
        self._offset = (now() - header.started).total_seconds() - monotonic()
        self._writer = Writer(path, header, self.elapsed)
        self._events: list[Event] = []
        self._new_event = threading.Condition()
        self._closed = False

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return max(0.0, monotonic() + self._offset)

    def record(self, source: str, what: Observation) -> Event | None:
        """Append what a source has seen; return the event, or None when the recorder is closed."""
        with self._new_event:
            if self._closed:
                return None
            event = self._writer.record(source, what)
            self._events.append(event)
            self._new_event.notify_all()
            if self._tally.count(what):
                self._on_progress(ItemCounts(self._name, *self._tally.figures))
        return event

    def gap(self, of: str, why: str) -> None:
        """Record that something was missed."""
        self.record("harness", Gap(of, why))

    @property
    def events(self) -> Sequence[Event]:
        """All events so far; the list grows."""
        return self._events

    def wait(self, what: str, find: Callable[[Sequence[Event]], T | None], timeout: float) -> T:
        """Wait until `find` returns something other than None for the events so far; return it.

        Args:
            what: Names the condition in progress events and errors.
            find: Called with all events; its errors pass.
            timeout: The most seconds to wait.

        Raises:
            TimedOut: The timeout passed; the error names `what`.
            OutOfTime: The check has to end before that.
        """
        deadline = monotonic() + timeout
        with self.waiting(what, timeout), self._new_event:
            while True:
                result = find(self._events)
                if result is not None:
                    return result
                remaining = deadline - monotonic()
                self.in_time(what)
                if remaining <= 0:
                    raise TimedOut(
                        f"waited {timeout:.0f} s in vain for {what}",
                        expected=what,
                        seen=_describe_last(self._events),
                        todo=f"see {self.path}",
                    )
                self._new_event.wait(min(remaining, _POLL_INTERVAL))

    def in_time(self, what: str) -> None:
        """Raise `OutOfTime`, which names `what`, where the check has to end."""
        if self.left() <= 0:
            raise OutOfTime(
                f"the time of the check was over, in a wait for {what}",
                expected=what,
                seen=_describe_last(self._events),
                todo="give the check more time: --max-duration SECONDS",
            )

    @contextlib.contextmanager
    def waiting(self, what: str, timeout: float) -> Iterator[None]:
        """Report that the block waits for `what`, for `timeout` seconds at most."""
        self._on_progress(WaitStarted(self._name, what, now() + timedelta(seconds=timeout)))
        try:
            yield
        finally:
            self._on_progress(WaitStarted(self._name, ""))

    def wait_or_none(
        self, what: str, find: Callable[[Sequence[Event]], T | None], timeout: float
    ) -> T | None:
        """Wait as `wait` does, but return None after the timeout."""
        try:
            return self.wait(what, find, timeout)
        except TimedOut:
            return None

    def close(self) -> None:
        """Close the file; later events are dropped."""
        with self._new_event:
            if not self._closed:
                self._closed = True
                self._writer.close()


def _describe_last(events: Sequence[Event]) -> str:
    if not events:
        return "nothing at all"
    kind = type(events[-1].what).__name__
    return f"{len(events)} events, the last ({kind}) at {events[-1].time:.1f} s"
