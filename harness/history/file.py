"""A history on disk: JSON lines, the header first.

The writer appends live; the reader validates strictly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from harness.core.errors import QueuejobError
from harness.history.events import Event, Observation
from harness.history.header import SCHEMA, Header

#: Most bytes of a line, with its line break. Every payload is far smaller.
MAX_LINE = 1024 * 1024

_encoder = msgspec.json.Encoder()
_header = msgspec.json.Decoder(Header)
_event = msgspec.json.Decoder(Event)

#: Exceptions of msgspec for bytes of another form.
_INVALID = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class BrokenHistory(QueuejobError):
    """A file is not a history, or an incomplete one; `line` counts from 1."""

    def __init__(self, name: str, line: int, reason: str, todo: str = "") -> None:
        self.line, self.reason = line, reason
        super().__init__(
            f"the history {name} is broken in line {line}: {reason}",
            todo=todo or "record the run again; a history is not meant to be edited",
        )


class Writer:
    """Appends events to a new file; appended events survive the death of this process.

    `clock` returns the seconds since the start of the run. Safe to share between threads.
    """

    def __init__(self, path: Path, header: Header, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._id, self._time = 0, 0.0
        self._file = path.open("xb")
        self._append(header)

    def record(self, source: str, what: Observation) -> Event:
        """Append what `source` observed just now; return the event with its id and time."""
        with self._lock:
            # Ids and times increase together, whichever thread read the clock first.
            self._time = max(self._time, self._clock())
            event = Event(self._id + 1, self._time, source, what)
            self._append(event)
            self._id += 1
        return event

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, thing: Header | Event) -> None:
        line = _encoder.encode(thing) + b"\n"
        if len(line) > MAX_LINE:
            raise ValueError(f"an event of {len(line)} bytes; a line has at most {MAX_LINE}")
        self._file.write(line)
        self._file.flush()


def read(file: BinaryIO, name: str = "") -> tuple[Header, Iterator[Event]]:
    """Return the header and an iterator over the events; only one line is in memory at a time.

    Raises `BrokenHistory`, and so does the iterator when it reaches the broken line; the events
    before it are valid. A file that ends after a complete line is valid, too: the judge detects a
    missing `RunEnded`.
    """
    name = name or str(getattr(file, "name", "without a name"))
    return _read_header(file, name), _read_events(file, name)


def _read_header(file: BinaryIO, name: str) -> Header:
    line = _line(file, name, 1)
    if line is None:
        raise BrokenHistory(name, 1, "the file is empty")
    try:
        schema = msgspec.json.decode(line, type=_Versioned).schema
    except _INVALID as error:
        raise BrokenHistory(name, 1, f"this is no header: {error}") from None
    if schema != SCHEMA:
        raise BrokenHistory(
            name,
            1,
            f"its schema is {schema}, and this version reads {SCHEMA}",
            "judge it with the version that the header names",
        )
    try:
        return _header.decode(line)
    except _INVALID as error:
        raise BrokenHistory(name, 1, f"this is no header: {error}") from None


def _read_events(file: BinaryIO, name: str) -> Iterator[Event]:
    number, last, time = 1, 0, 0.0
    while (line := _line(file, name, number + 1)) is not None:
        number += 1
        try:
            event = _event.decode(line)
        except _INVALID as error:
            raise BrokenHistory(name, number, f"this is no event: {error}") from None
        if event.id <= last:
            raise BrokenHistory(name, number, f"event {event.id} comes after event {last}")
        if event.time < time:
            raise BrokenHistory(name, number, f"the time falls from {time} to {event.time}")
        last, time = event.id, event.time
        yield event


def _line(file: BinaryIO, name: str, number: int) -> bytes | None:
    line = file.readline(MAX_LINE + 1)
    if not line:
        return None
    if len(line) > MAX_LINE:
        raise BrokenHistory(name, number, f"the line is longer than {MAX_LINE} bytes")
    if not line.endswith(b"\n"):
        raise BrokenHistory(
            name,
            number,
            "the last line is cut off",
            "the run was killed, or the file was not copied whole: record or copy it again",
        )
    return line


class _Versioned(msgspec.Struct):
    """The field that headers of all versions have."""

    schema: int
