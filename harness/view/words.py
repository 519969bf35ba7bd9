"""What others wrote, made fit for a terminal: nothing in it acts, and it is not too long."""

from __future__ import annotations

from harness.history import Digest, Payload, Raw

_LONGEST = 60


def shown(item: Payload, longest: int = _LONGEST) -> str:
    """A payload as a short name, with its odd characters escaped."""
    if isinstance(item, Digest):
        return f"({item.length} bytes, sha256 {item.hex[:12]})"
    if isinstance(item, Raw):
        text = repr(item.data[:longest])[2:-1]
        return f'"{text}"' if len(item.data) <= longest else f'"{text}…" ({len(item.data)} bytes)'
    text = clean(item[:longest])
    if len(item) > longest:
        return f'"{text}…" ({len(item)} characters)'
    # Most are plain words, and read better without quotes.
    return text if item and text == item and " " not in item else f'"{text}"'


def several(number: int, noun: str) -> str:
    """A number with its noun, as `1 item` or `3 items`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def brief(error: str) -> str:
    """The first line of an error: what was expected and seen instead stands in those below it."""
    return error.partition("\n")[0]


def clean(text: str) -> str:
    """The text on one line, with everything escaped that a terminal would not just print."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )
