"""Foreign text, made safe and short for a terminal."""

from __future__ import annotations


def several(number: int, noun: str) -> str:
    """Return a number with its noun, as `1 item` or `3 items`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def brief(error: str) -> str:
    """Return the first line of an error; the lines below it list what was expected and seen."""
    return error.partition("\n")[0]


def clean(text: str) -> str:
    """Return the text on one line, with all characters escaped that are not printable."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
