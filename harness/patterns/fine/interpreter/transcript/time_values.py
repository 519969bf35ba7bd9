"""Moments in Redis commands: numbers and dates that may be the end of a lease."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from harness.patterns.fine.interpreter.transcript.commands import Words, name

#: Seconds from now within which a number counts as a moment; a number further off is no lease.
HORIZON = 50 * 86400.0
#: Units of absolute time: seconds, milliseconds, microseconds, nanoseconds.
_UNITS = (1.0, 1e3, 1e6, 1e9)
#: Commands that find members by their scores.
_BY_SCORE = frozenset(
    (b"ZRANGEBYSCORE", b"ZREVRANGEBYSCORE", b"ZRANGE", b"ZCOUNT", b"ZREMRANGEBYSCORE")
)

#: A number that stands alone: not part of a word, of a digest, or of a longer number.
_NUMBER = re.compile(rb"(?<![0-9A-Za-z_.])\d{9,19}(?:\.\d+)?(?![0-9A-Za-z_])")
_DATE = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.]\d{1,6})?(?:\d*)(?:Z|[+-]\d\d:?\d\d)?")


def moment(number: float, now: float) -> float | None:
    """Return a number as seconds since 1970, in the unit that puts it near `now`, or None.

    A negative number counts by its absolute value: workers negate scores to get the latest first.
    """
    for unit in _UNITS:
        if abs(abs(number) / unit - now) < HORIZON:
            return abs(number) / unit
    return None


def limits(words: Words, now: float) -> Iterator[float]:
    """Yield the moments between which a command selects members by their scores."""
    if name(words) not in _BY_SCORE:
        return
    for word in words[2:4]:
        limit = number(word.lstrip(b"("))
        at = None if limit is None else moment(limit, now)
        if at is not None:
            yield at


def number(word: bytes) -> float | None:
    """Return a word as a number, or None if it is not a plain number."""
    try:
        return float(word)
    except ValueError:
        return None


def moments(text: bytes, item: bytes, now: float) -> set[float]:
    """Return all moments near `now` in a text, except those that are part of an item."""
    return {at for word, at in _find_moments(text, now) if word not in item}


def _find_moments(text: bytes, now: float) -> Iterator[tuple[bytes, float]]:
    if (value := number(text)) is not None:
        if (at := moment(value, now)) is not None:
            yield _normalized(text), at
        return
    for match in _NUMBER.finditer(text):
        if (at := moment(float(match[0]), now)) is not None:
            yield match[0], at
    for match in _DATE.finditer(text):
        if (at := _date(match[0])) is not None and abs(at - now) < HORIZON:
            yield match[0], at


def _normalized(word: bytes) -> bytes:
    """Return a number in one notation, so that 17e8 and 1700000000.0 are equal."""
    value = float(word)
    return b"%d" % value if value == int(value) else word


def _date(text: bytes) -> float | None:
    try:
        parsed = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
