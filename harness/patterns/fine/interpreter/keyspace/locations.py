"""Locations of values in Redis, and what one step changed about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: A key, and the field of a hash (or the id in a stream) under which a value lies in it.
Place = tuple[bytes, bytes]

_NOWHERE: Mapping[Place, int] = {}


class Scored(NamedTuple):
    """A member of a sorted set received a score."""

    key: bytes
    member: bytes
    score: float


class Written(NamedTuple):
    """A field of a hash, or a key that does not expire, received a text."""

    key: bytes
    member: bytes
    value: bytes


class Timed(NamedTuple):
    """A key (or a field of a hash) received an expiry, in milliseconds since 1970.

    `value` is the value that was set together with the expiry; `kept` is the value from before.
    """

    key: bytes
    value: bytes | None
    until: int
    member: bytes = b""
    kept: bytes = b""


class Gone(NamedTuple):
    """A key, or a field of a hash, that had an expiry was removed."""

    key: bytes
    member: bytes = b""


class Dropped(NamedTuple):
    """A key, a field of a hash or a member of a sorted set without an expiry was removed."""

    key: bytes
    member: bytes


Note = Scored | Written | Timed | Gone | Dropped


class LocationIndex:
    """An index from values to their places, with the number of copies in each place."""

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
        remaining = places.get((key, sub), 0) - 1
        if remaining > 0:
            places[key, sub] = remaining
            return
        places.pop((key, sub), None)
        if not places:
            self._where.pop(value, None)

    def note(self, note: Note) -> None:
        self._notes.append(note)

    def changes(self) -> tuple[dict[bytes, dict[Place, int]], list[Note]]:
        """Return the old places of the values that moved, and the notes, since the last call."""
        before, notes = self._before, self._notes
        self._before, self._notes = {}, []
        return before, notes

    def _touch(self, value: bytes) -> dict[Place, int]:
        places = self._where.setdefault(value, {})
        if value not in self._before:
            self._before[value] = dict(places)
        return places
