"""Values of Redis keys in the model of the keyspace."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from harness.patterns.fine.interpreter.keyspace.locations import LocationIndex


class Hash(dict[bytes, bytes]):
    """A hash: field → value."""

    def __init__(self) -> None:
        super().__init__()
        #: Fields that expire → when, in milliseconds since 1970.
        self.ends: dict[bytes, int] = {}


class Entries(dict[bytes, tuple[bytes, ...]]):
    """A stream: entry id → the values of its fields."""


class Zset:
    """Members with scores, in Redis' order: by score, then by bytes."""

    def __init__(self) -> None:
        self._scores: dict[bytes, float] = {}
        self._order: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._scores)

    def __iter__(self) -> Iterator[bytes]:
        return (member for _, member in self._order)

    def score(self, member: bytes) -> float | None:
        return self._scores.get(member)

    def put(self, member: bytes, score: float) -> bool:
        """Set a member's score; return whether the member is new."""
        new = not self.remove(member)
        self._scores[member] = score
        insort(self._order, (score, member))
        return new

    def remove(self, member: bytes) -> bool:
        """Remove a member; return whether it was there."""
        score = self._scores.pop(member, None)
        if score is None:
            return False
        del self._order[bisect_left(self._order, (score, member))]
        return True

    def ends(self, count: int, *, highest: bool) -> list[bytes]:
        """Return the `count` members with the lowest (or highest) scores, the outermost first."""
        ranked = self._order[: -count - 1 : -1] if highest else self._order[:count]
        return [member for _, member in ranked]


Value = bytes | deque[bytes] | set[bytes] | Hash | Zset | Entries


class Space(Protocol):
    """The part of the keyspace that the effects on each kind of key need."""

    places: LocationIndex

    def get(self, key: bytes) -> Value | None: ...

    def ends(self, key: bytes) -> int | None: ...

    def put(self, key: bytes, value: Value) -> None: ...

    def tidy(self, key: bytes) -> None: ...
