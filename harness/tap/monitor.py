"""The tap's own MONITOR: all that Redis runs, in its order, with who asked for it."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.tap.inlet import Inlet
from harness.tap.records import Monitored

_HEAD = re.compile(rb"\+(\d+\.\d+) \[(\d+) ([^ ]+)\] (?=\")")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


class Monitor(Inlet):
    """A connection on which Redis shows what it runs; `told` gets each line."""

    begin = b"MONITOR\r\n"

    def __init__(self, told: Callable[[Monitored], None], lost: Callable[[str], None]) -> None:
        super().__init__(lost)
        self._told = told
        self._kept = bytearray()

    def data_received(self, data: bytes) -> None:
        self._kept += data
        end = self._kept.rfind(b"\r\n")
        if end < 0:
            return
        lines = bytes(self._kept[:end]).split(b"\r\n")
        del self._kept[: end + 2]
        for line in lines:
            self._take(line)
        self.gather(data)

    def _take(self, line: bytes) -> None:
        if not self.ready.done():
            if line == b"+OK":
                self.ready.set_result(None)
            else:
                self._lost(f"Redis refuses MONITOR: {line[:200]!r}")
            return
        try:
            self._told(parsed(line))
        except ValueError as error:
            self._lost(str(error))


def parsed(line: bytes) -> Monitored:
    """What a line says, `+TIME [DB CLIENT] "WORD" …`; `ValueError` when it is no such line."""
    head = _HEAD.match(line)
    if head is None or not line.endswith(b'"'):
        raise ValueError(f"MONITOR shows {line[:200]!r}, which is none of its lines")
    at, db, client = head.groups()
    return Monitored(float(at), client.decode("latin-1"), int(db), _words(line, head.end()))


def _words(line: bytes, start: int) -> tuple[bytes, ...]:
    if b"\\" not in line:  # then no quote stands inside a word either
        return tuple(line[start + 1 : -1].split(b'" "'))
    return tuple(_ESCAPED.sub(_meant, word) for word in _WORD.findall(line, start))


def _meant(escaped: re.Match[bytes]) -> bytes:
    code, letter = escaped.groups()
    return bytes((int(code, 16),)) if code else _LETTERS.get(letter, letter)
