"""An event log between processes: all append to a file, and one reads it as it grows.

A line that is appended in one write is never torn, even if other processes append. No process
waits for another, and a line that was written is not lost when its process dies.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from harness.engine.progress.events import News

#: The most characters of a text in the log; histories and reports have the complete text.
_MAX_TEXT = 1000

_decoder = msgspec.json.Decoder(News)


class EventLogWriter:
    """Appends to the event log at `path`; safe to share between threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, news: News) -> None:
        """Append an event, if the log still exists."""
        self.append(news)

    def append(self, news: News) -> bool:
        """Append an event; return False when the log cannot be written any more."""
        line = msgspec.json.encode(_shorten(news)) + b"\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return False
        try:
            return os.write(file, line) == len(line)
        except OSError:
            return False
        finally:
            os.close(file)


class EventLogReader:
    """Reads an event log from its beginning; creates the file."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("rb")
        self._rest = b""

    def read(self) -> list[News]:
        """Return the events that were appended since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [_decoder.decode(line) for line in lines]

    def close(self) -> None:
        self._file.close()


def _shorten(news: News) -> News:
    texts = {
        name: text[:_MAX_TEXT] + "…"
        for name in news.__struct_fields__
        if isinstance(text := getattr(news, name), str) and len(text) > _MAX_TEXT
    }
    return msgspec.structs.replace(news, **texts)
