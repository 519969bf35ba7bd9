"""Text of others, made safe and short for a terminal."""

from __future__ import annotations


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
