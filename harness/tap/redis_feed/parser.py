"""Parses the data of the tap's own links: lines of MONITOR, commands for a replica."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import hiredis

from harness.history import Gap
from harness.tap.records import Broker, Effect, Monitored, RawFeedData, Tick

#: The channel in which the tap publishes its ticks.
CHANNEL = b"queuejob:tick"

_NOTHING = object()
_HEAD = re.compile(rb"\+(\d+\.\d+) \[(\d+) ([^ ]+)\] (?=\")")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
#: A tick as it appears in each stream.
_TICKS = {
    "monitor": re.compile(rb'"PUBLISH" "%s" "(\d+)"\r\n' % CHANNEL),
    "replica": re.compile(
        rb"\*3\r\n\$7\r\nPUBLISH\r\n\$%d\r\n%s\r\n\$\d+\r\n(\d+)\r\n" % (len(CHANNEL), CHANNEL)
    ),
}


def ticks(where: Literal["monitor", "replica"], data: bytes | bytearray) -> list[re.Match[bytes]]:
    """Find the tap's ticks in unparsed data; group 1 of each match is the number."""
    return list(_TICKS[where].finditer(data))


class FeedParser:
    """Parses both streams, in pieces of `RawFeedData`."""

    def __init__(self) -> None:
        self._replica = hiredis.Reader(notEnoughData=_NOTHING)
        self._lost: set[str] = set()

    def read(self, raw: RawFeedData) -> Iterator[Broker]:
        """Yield the parsed records; a `Gap` ends a link that cannot be parsed."""
        if raw.where in self._lost:
            return
        try:
            yield from self._lines(raw) if raw.where == "monitor" else self._commands(raw)
        except (hiredis.HiredisError, TypeError, ValueError) as error:
            self._lost.add(raw.where)
            yield Gap(raw.where, f"what it brings cannot be read: {error}")

    def _lines(self, raw: RawFeedData) -> Iterator[Broker]:
        for line in raw.data.split(b"\r\n")[:-1]:
            monitored = parsed(line)
            yield _tick("monitor", monitored.words) or monitored

    def _commands(self, raw: RawFeedData) -> Iterator[Broker]:
        self._replica.feed(raw.data)
        while (words := self._replica.gets()) is not _NOTHING:
            command = tuple(words)
            yield _tick("replica", command) or Effect(command)


def _tick(where: Literal["monitor", "replica"], words: tuple[bytes, ...]) -> Tick | None:
    if words[:2] != (b"PUBLISH", CHANNEL) or not words[2].isdigit():
        return None
    return Tick(int(words[2]), where)


def parsed(line: bytes) -> Monitored:
    """Parse a line `+TIME [DB CLIENT] "WORD" …`; `ValueError` for any other line."""
    head = _HEAD.match(line)
    if head is None or not line.endswith(b'"'):
        raise ValueError(f"MONITOR shows {line[:200]!r}, which is none of its lines")
    seconds, db, client = head.groups()
    return Monitored(float(seconds), client.decode("latin-1"), int(db), _words(line, head.end()))


def _words(line: bytes, start: int) -> tuple[bytes, ...]:
    if b"\\" not in line:  # then no word contains a quote, either
        return tuple(line[start + 1 : -1].split(b'" "'))
    return tuple(_ESCAPED.sub(_unescape, word) for word in _WORD.findall(line, start))


def _unescape(escaped: re.Match[bytes]) -> bytes:
    code, letter = escaped.groups()
    return bytes((int(code, 16),)) if code else _LETTERS.get(letter, letter)
