"""Where a RESP message ends. hiredis, which reads what is in it, does not tell."""

from __future__ import annotations

from harness.tap.protocols.base import Unreadable

#: Bytes of one line; Redis itself takes no longer ones from a client.
_LINE = 1024 * 1024

_SIMPLE = frozenset(b"+-:,#_(")
_BULK = frozenset(b"$=!")
_LIST = frozenset(b"*~>")
_MAP = ord("%")
_ATTRIBUTE = ord("|")


class Scanner:
    """Finds the end of one message after the other, and looks at no byte twice."""

    def __init__(self) -> None:
        self._at, self._left = 0, 1

    def end(self, kept: bytearray) -> int | None:
        """Where the first message in `kept` ends; None: ask again when there is more.

        Raises `Unreadable` for what is no RESP.
        """
        while self._left:
            stop = kept.find(b"\r\n", self._at)
            if stop < 0:
                if len(kept) - self._at > _LINE:
                    raise Unreadable(f"a line of more than {_LINE} bytes")
                return None
            self._step(kept, stop)
        if self._at > len(kept):
            return None
        end, self._at, self._left = self._at, 0, 1
        return end

    def _step(self, kept: bytearray, stop: int) -> None:
        """Take one line into account, and the bytes that it announces."""
        kind, count = kept[self._at], 0
        if kind not in _SIMPLE:
            count = _count(kept[self._at : stop])
        self._at = stop + 2
        self._left -= 1
        if kind in _BULK and count >= 0:
            self._at += count + 2
        elif kind in _LIST:
            self._left += max(count, 0)
        elif kind == _MAP:
            self._left += 2 * count
        elif kind == _ATTRIBUTE:  # it stands before the message that it is about
            self._left += 2 * count + 1


def _count(line: bytearray) -> int:
    digits = line[1:]
    if digits.isdigit():
        if line[0] in _BULK or line[0] in _LIST or line[0] in (_MAP, _ATTRIBUTE):
            return int(digits[:20])
    elif digits == b"-1" and (line[0] in _BULK or line[0] in _LIST):
        return -1
    raise Unreadable(f"{bytes(line[:40])!r} is no RESP")
