"""Where in Redis which bytes lie, and what one step has changed about that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: A key, and the field of a hash (or the id in a stream) under which a value lies in it.
Place = tuple[bytes, bytes]

_NOWHERE: Mapping[Place, int] = {}


class Scored(NamedTuple):
    """A member of a sorted set has got a number."""

    key: bytes
    member: bytes
    score: float


class Written(NamedTuple):
    """A field of a hash, or a key that has no end, has got a text."""

    key: bytes
    member: bytes
    value: bytes


class Timed(NamedTuple):
    """A key (or a field of a hash) has got an end, in milliseconds since 1970.

    `value` when it was set with it; `kept` is what was there before.
    """

    key: bytes
    value: bytes | None
    until: int
    member: bytes = b""
    kept: bytes = b""


class Gone(NamedTuple):
    """A key, or a field of a hash, that had an end is no more."""

    key: bytes
    member: bytes = b""


class Dropped(NamedTuple):
    """A key, a field of a hash or a member of a sorted set that had no end is no more."""

    key: bytes
    member: bytes


Note = Scored | Written | Timed | Gone | Dropped


class LocationIndex:
    """An index from values to their places; how often a value is in a place counts."""

    def __init__(self) -> None:
        self._where: dict[bytes, dict[Place, int]] = {}
        self._before: dict[bytes, dict[Place, int]] = {}
        self._notes: list[Note] = []

    def of(self, value: bytes) -> Mapping[Place, int]:
        return self._where.get(value, _NOWHERE)

    def add(self, value: bytes, key: bytes, sub: bytes = b"") -> None:
        places = self._touch(value)
        places[key, sub] = places.get((key, sub), 0) + 1

    def drop(self, value: bytes, key: bytes, sub: bytes = b"") -> None:
        places = self._touch(value)
        left = places.get((key, sub), 0) - 1
        if left > 0:
            places[key, sub] = left
            return
        places.pop((key, sub), None)
        if not places:
            self._where.pop(value, None)

    def note(self, note: Note) -> None:
        self._notes.append(note)

    def changes(self) -> tuple[dict[bytes, dict[Place, int]], list[Note]]:
        """Since this was asked last: where the values that moved were before, and the notes."""
        before, notes = self._before, self._notes
        self._before, self._notes = {}, []
        return before, notes

    def _touch(self, value: bytes) -> dict[Place, int]:
        places = self._where.setdefault(value, {})
        if value not in self._before:
            self._before[value] = dict(places)
        return places
