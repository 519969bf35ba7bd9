"""Finds the end of a RESP message.

hiredis, which parses the content, does not report it.
"""

from __future__ import annotations

from harness.tap.protocols.base import Unreadable

#: Most bytes of one line; Redis itself accepts no longer ones from a client.
_LINE = 1024 * 1024

_SIMPLE = frozenset(b"+-:,#_(")
_BULK = frozenset(b"$=!")
_LIST = frozenset(b"*~>")
_MAP = ord("%")
_ATTRIBUTE = ord("|")


class Scanner:
    """Finds the end of one message after the other, and scans no byte twice."""

    def __init__(self) -> None:
        self._position, self._remaining = 0, 1

    def end(self, kept: bytearray) -> int | None:
        """Return the end of the first message in `kept`; None: call again with more bytes.

        Raises `Unreadable` for bytes that are not RESP.
        """
        while self._remaining:
            stop = kept.find(b"\r\n", self._position)
            if stop < 0:
                if len(kept) - self._position > _LINE:
                    raise Unreadable(f"a line of more than {_LINE} bytes")
                return None
            self._step(kept, stop)
        if self._position > len(kept):
            return None
        end, self._position, self._remaining = self._position, 0, 1
        return end

    def _step(self, kept: bytearray, stop: int) -> None:
        """Process one line, and the bytes that it announces."""
        kind, count = kept[self._position], 0
        if kind not in _SIMPLE:
            count = _count(kept[self._position : stop])
        self._position = stop + 2
        self._remaining -= 1
        if kind in _BULK and count >= 0:
            self._position += count + 2
        elif kind in _LIST:
            self._remaining += max(count, 0)
        elif kind == _MAP:
            self._remaining += 2 * count
        elif kind == _ATTRIBUTE:  # it precedes the message that it describes
            self._remaining += 2 * count + 1


def _count(line: bytearray) -> int:
    digits = line[1:]
    if digits.isdigit():
        if line[0] in _BULK or line[0] in _LIST or line[0] in (_MAP, _ATTRIBUTE):
            return int(digits[:20])
    elif digits == b"-1" and (line[0] in _BULK or line[0] in _LIST):
        return -1
    raise Unreadable(f"{bytes(line[:40])!r} is no RESP")
