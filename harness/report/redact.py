"""Redact histories: replace payloads, which may be secret, by their digests.

A plain item becomes a plain word, any other item a `Digest`. So every rule that depends on how
an item is printed judges the redacted history in the same way. Of log lines only the digests
remain.
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
#: Shortest item that is replaced inside other text; shorter ones occur in most texts.
_SHORTEST = 3
#: Text fields that may contain an item.
_TEXT_FIELDS = ("error", "point", "reason", "to", "token", "why")


def redact(path: Path) -> None:
    """Rewrite a history without its payloads. Raises `BrokenHistory` if it is not a history."""
    redacted = path.with_suffix(".redacted")
    redactor = _Redactor()
    with path.open("rb") as file, redacted.open("wb") as out:
        header, events = read(file, str(path))
        item = header.failing_item
        redacted_item = None if item is None else redactor.payload(item)
        out.write(
            _ENCODER.encode(msgspec.structs.replace(header, failing_item=redacted_item)) + b"\n"
        )
        for event in redactor.events(events):
            out.write(_ENCODER.encode(event) + b"\n")
    redacted.replace(path)


class _Redactor:
    """Remembers the items that the history contained so far."""

    def __init__(self) -> None:
        self._digest_words: dict[str, str] = {}
        self._item_pattern: re.Pattern[str] | None = None

    def payload(self, kept: Payload) -> Payload:
        if isinstance(kept, Digest):
            return kept
        data = to_bytes(kept)
        if not isinstance(kept, str) or not plain(kept):
            return Digest(sha256(data).hexdigest(), len(data))
        digest_word = f"sha256:{sha256(data).hexdigest()}"
        if len(kept) >= _SHORTEST and kept not in self._digest_words:
            self._digest_words[kept] = digest_word
            items = sorted(self._digest_words, key=len, reverse=True)
            self._item_pattern = re.compile("|".join(map(re.escape, items)))
        return digest_word

    def events(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            yield msgspec.structs.replace(event, what=self._redact_data(event.what))

    def _redact_data(self, what: Any) -> Any:
        """Redact any kind of event, by the names and types of its fields."""
        changes: dict[str, Any] = {}
        for name in what.__struct_fields__:
            value = getattr(what, name)
            if name == "item":
                changes[name] = self.payload(value)
            elif name == "sample" or (name == "text" and isinstance(what, (LogLine, OtherLogLine))):
                changes[name] = self._digest_of(value)
            elif name in _TEXT_FIELDS and isinstance(value, str):
                changes[name] = self._redact_text(value)
        return msgspec.structs.replace(what, **changes)

    @staticmethod
    def _digest_of(kept: Payload) -> Digest:
        if isinstance(kept, Digest):
            return kept
        data = to_bytes(kept)
        return Digest(sha256(data).hexdigest(), len(data))

    def _redact_text(self, words: str) -> str:
        if self._item_pattern is None:
            return words
        return self._item_pattern.sub(lambda match: self._digest_words[match[0]], words)
