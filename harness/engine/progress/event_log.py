"""News from one process to another: a file that all append to, and one reads as it grows.

A line that is appended at once is never torn, whoever else appends; nobody waits for anybody, and
what was told is not lost when a process dies.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from harness.engine.progress.events import News

#: Characters of a text that is told; what is longer stands in histories and reports.
_TEXT = 1000

_decoder = msgspec.json.Decoder(News)


class EventLogWriter:
    """Appends to the bulletin `path`; safe to share between threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, news: News) -> None:
        """Tell it, if anybody still reads."""
        self.tell(news)

    def tell(self, news: News) -> bool:
        """Whether it could be written: not when nobody reads any more."""
        line = msgspec.json.encode(_short(news)) + b"\n"
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
    """Reads a bulletin from its beginning; makes the file."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("rb")
        self._rest = b""

    def read(self) -> list[News]:
        """What was told since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [_decoder.decode(line) for line in lines]

    def close(self) -> None:
        self._file.close()


def _short(news: News) -> News:
    texts = {
        name: text[:_TEXT] + "…"
        for name in news.__struct_fields__
        if isinstance(text := getattr(news, name), str) and len(text) > _TEXT
    }
    return msgspec.structs.replace(news, **texts)
