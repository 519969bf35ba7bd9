"""A history while it is being written: what was seen so far, and waiting for what must come."""

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

#: Seconds between two looks at a condition that nothing new was recorded for.
_LOOK = 0.5


class Recorder:
    """Writes events to `path` as they come, and keeps them. Safe to share between threads.

    Moment 0 is the header's `started`. `hear` is told how far the items are, and what is waited
    for, under the name `name`.
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
        #: Seconds until no wait may go on.
        self.left = left
        self._hear, self._name, self._tally = hear, name or header.scenario, ItemTally()
        #: Seconds since 1970 at moment 0.
        self.epoch = header.started.timestamp()
        self._offset = (now() - header.started).total_seconds() - monotonic()
        self._writer = Writer(path, header, self.elapsed)
        self._events: list[Event] = []
        self._news = threading.Condition()
        self._over = False

    def elapsed(self) -> float:
        """Seconds since the start."""
        return max(0.0, monotonic() + self._offset)

    def record(self, source: str, what: Observation) -> Event | None:
        """Append what `source` has seen; None when the recording is over."""
        with self._news:
            if self._over:
                return None
            event = self._writer.record(source, what)
            self._events.append(event)
            self._news.notify_all()
            if self._tally.count(what):
                self._hear(ItemCounts(self._name, *self._tally.figures))
        return event

    def gap(self, of: str, why: str) -> None:
        """Something was missed."""
        self.record("harness", Gap(of, why))

    @property
    def events(self) -> Sequence[Event]:
        """All events so far; the list grows."""
        return self._events

    def wait(self, what: str, find: Callable[[Sequence[Event]], T | None], timeout: float) -> T:
        """What `find` makes of the events so far, as soon as it is not None.

        Raises `TimedOut`, which names `what`, after `timeout` seconds, and `OutOfTime` where the
        check has to end before; errors of `find` pass.
        """
        deadline = monotonic() + timeout
        with self.waiting(what, timeout), self._news:
            while True:
                found = find(self._events)
                if found is not None:
                    return found
                left = deadline - monotonic()
                self.in_time(what)
                if left <= 0:
                    raise TimedOut(
                        f"waited {timeout:.0f} s in vain for {what}",
                        expected=what,
                        seen=_last(self._events),
                        todo=f"see {self.path}",
                    )
                self._news.wait(min(left, _LOOK))

    def in_time(self, what: str) -> None:
        """Raise `OutOfTime` where the check has to end, and names what was waited for then."""
        if self.left() <= 0:
            raise OutOfTime(
                f"the time of the check was over, in a wait for {what}",
                expected=what,
                seen=_last(self._events),
                todo="give the check more time: --max-duration SECONDS",
            )

    @contextlib.contextmanager
    def waiting(self, what: str, timeout: float) -> Iterator[None]:
        """Tell that the block waits for this, `timeout` seconds at most."""
        self._hear(WaitStarted(self._name, what, now() + timedelta(seconds=timeout)))
        try:
            yield
        finally:
            self._hear(WaitStarted(self._name, ""))

    def wait_or_none(
        self, what: str, find: Callable[[Sequence[Event]], T | None], timeout: float
    ) -> T | None:
        """As `wait`, for what need not come: None then."""
        try:
            return self.wait(what, find, timeout)
        except TimedOut:
            return None

    def close(self) -> None:
        """Nothing more is recorded."""
        with self._news:
            if not self._over:
                self._over = True
                self._writer.close()


def _last(events: Sequence[Event]) -> str:
    if not events:
        return "nothing at all"
    kind = type(events[-1].what).__name__
    return f"{len(events)} events, the last ({kind}) at {events[-1].time:.1f} s"
