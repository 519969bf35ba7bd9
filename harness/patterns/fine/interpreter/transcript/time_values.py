"""Moments in what Redis is told: numbers and dates that may be the end of a lease."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from harness.patterns.fine.interpreter.transcript.commands import Words, name

#: Seconds from now within which a number is taken for a moment; what is further off is no lease.
HORIZON = 50 * 86400.0
#: Units of absolute time: seconds, milliseconds, microseconds, nanoseconds.
_UNITS = (1.0, 1e3, 1e6, 1e9)
#: What finds members by their scores.
_BY_SCORE = frozenset(
    (b"ZRANGEBYSCORE", b"ZREVRANGEBYSCORE", b"ZRANGE", b"ZCOUNT", b"ZREMRANGEBYSCORE")
)

#: A number that stands alone: no part of a word, of a digest, or of a longer number.
_NUMBER = re.compile(rb"(?<![0-9A-Za-z_.])\d{9,19}(?:\.\d+)?(?![0-9A-Za-z_])")
_DATE = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.]\d{1,6})?(?:\d*)(?:Z|[+-]\d\d:?\d\d)?")


def moment(number: float, now: float) -> float | None:
    """A number as seconds since 1970, in the unit in which it lies near `now`; else None.

    Of negative ones the amount counts: where the latest has to come first they are turned round.
    """
    for unit in _UNITS:
        if abs(abs(number) / unit - now) < HORIZON:
            return abs(number) / unit
    return None


def limits(words: Words, now: float) -> Iterator[float]:
    """The moments between which a command looks for members by their scores."""
    if name(words) not in _BY_SCORE:
        return
    for word in words[2:4]:
        limit = number(word.lstrip(b"("))
        at = None if limit is None else moment(limit, now)
        if at is not None:
            yield at


def number(word: bytes) -> float | None:
    """A word that is a number and nothing else."""
    try:
        return float(word)
    except ValueError:
        return None


def moments(text: bytes, item: bytes, now: float) -> set[float]:
    """All moments near `now` that a text names, but for those that are part of an item."""
    return {at for word, at in _named(text, now) if word not in item}


def _named(text: bytes, now: float) -> Iterator[tuple[bytes, float]]:
    if (alone := number(text)) is not None:
        if (at := moment(alone, now)) is not None:
            yield _digits(text), at
        return
    for found in _NUMBER.finditer(text):
        if (at := moment(float(found[0]), now)) is not None:
            yield found[0], at
    for found in _DATE.finditer(text):
        if (at := _date(found[0])) is not None and abs(at - now) < HORIZON:
            yield found[0], at


def _digits(word: bytes) -> bytes:
    """A number without what only another way of writing adds: 17e8 and 1700000000.0 are one."""
    value = float(word)
    return b"%d" % value if value == int(value) else word


def _date(text: bytes) -> float | None:
    try:
        read = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
