"""Histories without payloads: for items that are secrets, their digests stand there.

A plain item becomes a plain word, anything else a `Digest`: so whatever is judged by how an item is
printed is judged alike. Of log lines nothing but their digests is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from harness.history import Digest, Event, LogLine, OtherLogLine, Payload, read, to_bytes
from harness.history.log_phrases import plain

_ENCODER = msgspec.json.Encoder()
#: Shorter items are not looked for in other words: they are in most of them.
_TELLING = 3
#: Fields in which an item may be named among other words.
_SAID = ("error", "point", "reason", "to", "token", "why")


def redact(path: Path) -> None:
    """Write a history anew, without its payloads; raises `BrokenHistory` where it is none."""
    fresh = path.with_suffix(".redacted")
    hiding = _Hiding()
    with path.open("rb") as file, fresh.open("wb") as out:
        header, events = read(file, str(path))
        failing = header.failing_item
        hidden = None if failing is None else hiding.payload(failing)
        out.write(_ENCODER.encode(msgspec.structs.replace(header, failing_item=hidden)) + b"\n")
        for event in hiding.events(events):
            out.write(_ENCODER.encode(event) + b"\n")
    fresh.replace(path)


class _Hiding:
    """Knows the items of a history that were met until now."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._any: re.Pattern[str] | None = None

    def payload(self, kept: Payload) -> Payload:
        if isinstance(kept, Digest):
            return kept
        data = to_bytes(kept)
        if not isinstance(kept, str) or not plain(kept):
            return Digest(sha256(data).hexdigest(), len(data))
        word = f"sha256:{sha256(data).hexdigest()}"
        if len(kept) >= _TELLING and kept not in self._words:
            self._words[kept] = word
            known = sorted(self._words, key=len, reverse=True)
            self._any = re.compile("|".join(map(re.escape, known)))
        return word

    def events(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            yield msgspec.structs.replace(event, what=self._what(event.what))

    def _what(self, what: Any) -> Any:
        """Any: all kinds of events, by the names and types of their fields."""
        changes: dict[str, Any] = {}
        for name in what.__struct_fields__:
            value = getattr(what, name)
            if name == "item":
                changes[name] = self.payload(value)
            elif name == "sample" or (name == "text" and isinstance(what, (LogLine, OtherLogLine))):
                changes[name] = self._whole(value)
            elif name in _SAID and isinstance(value, str):
                changes[name] = self._text(value)
        return msgspec.structs.replace(what, **changes)

    @staticmethod
    def _whole(kept: Payload) -> Digest:
        if isinstance(kept, Digest):
            return kept
        data = to_bytes(kept)
        return Digest(sha256(data).hexdigest(), len(data))

    def _text(self, words: str) -> str:
        if self._any is None:
            return words
        return self._any.sub(lambda found: self._words[found[0]], words)
