"""A payload as a short name, for terminals and reports."""

from __future__ import annotations

from harness.core.text import clean
from harness.history import Digest, Payload, Raw

_LONGEST = 60


def shown(item: Payload, longest: int = _LONGEST) -> str:
    """Return a payload as a short name, with its unusual characters escaped."""
    if isinstance(item, Digest):
        return f"({item.length} bytes, sha256 {item.hex[:12]})"
    if isinstance(item, Raw):
        text = repr(item.data[:longest])[2:-1]
        return f'"{text}"' if len(item.data) <= longest else f'"{text}…" ({len(item.data)} bytes)'
    text = clean(item[:longest])
    if len(item) > longest:
        return f'"{text}…" ({len(item)} characters)'
    # Most are plain words, which read better without quotes.
    return text if item and text == item and " " not in item else f'"{text}"'
