"""Leases of workers: a sign of life that ends by itself, and with it the claim on all they have.

A key with an end, a score or a text with a moment is a worker's sign of life if it is named like
the worker where its items lie (`processing:W` and `alive:W`), and if others read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.patterns.fine.interpreter.items.deliveries import Delivery, StepContext
from harness.patterns.fine.interpreter.items.item_names import parts
from harness.patterns.fine.interpreter.items.ledger import DeliveryLedger
from harness.patterns.fine.interpreter.keyspace.locations import Place
from harness.patterns.fine.interpreter.keyspace.values import Hash, Space
from harness.patterns.fine.interpreter.transcript.commands import Words, name, reads
from harness.patterns.fine.interpreter.transcript.time_values import limits

#: Seconds that an end lies ahead of the moment at which it is set.
_AHEAD = 0.02
#: Seconds within which a number is "now": when its worker was there.
_NOW = 5.0
#: Letters that tell one worker from another.
_SHORTEST = 3
_LISTING = frozenset((b"KEYS", b"SCAN"))


@dataclass(slots=True, eq=False)
class _Beat:
    """A sign of life: who gave it last, when (seconds since the start), and what ends it."""

    place: Place
    worker: str
    connection: int
    at: float = 0.0
    #: Seconds since 1970; None while it is not known how long it lasts.
    until: float | None = None
    #: When it was given, where the number says that and not when it ends.
    since: float | None = None
    #: Another worker has looked at it.
    read: bool = False
    #: Several workers set it: it tells nothing about one of them.
    shared: bool = False


class Heartbeats:
    """Knows workers' signs of life, and until when they hold what is theirs."""

    def __init__(self, space: Space, ledger: DeliveryLedger) -> None:
        self._space, self._ledger = space, ledger
        self._beats: dict[Place, _Beat] = {}
        #: Keys with numbers that say when a worker was there → after how long it is given up.
        self._idle: dict[bytes, float] = {}
        self.seen = False

    def timed(self, act: StepContext, place: Place, until: float) -> None:
        """Somebody has set a key that ends; in seconds since 1970."""
        beat = self._beat(act, place)
        if beat is not None:
            beat.until = until
            self._apply(act, beat)

    def numbered(self, act: StepContext, place: Place, at: float | None) -> None:
        """Somebody has written a moment (seconds since 1970) under a name of its own."""
        if at is None or at < act.moment - _NOW:
            return
        beat = self._beat(act, place)
        if beat is None:
            return
        beat.until, beat.since = (at, None) if at > act.end + _AHEAD else (None, at)
        self._apply(act, beat)

    def look(self, act: StepContext) -> None:
        """Who looks for others' signs of life, and for how old ones."""
        group = act.group
        if group is None or not self._beats:
            return
        for words in group.lines:
            self._learn(act, words)
        unread = [one for one in self._beats.values() if not one.read and one.worker != act.worker]
        for beat in unread:
            key = beat.place[0]
            if key in group.brought or any(_looks_at(words, key) for words in group.lines):
                beat.read = True
                self._apply(act, beat)

    def given(self, act: StepContext) -> None:
        """What a worker was given in this step is its own while it gives signs of life."""
        for held in act.new:
            ends = [until for beat in self._of(held) if (until := self._end(beat)) is not None]
            until = max(ends, default=None)
            if until is not None and not held.sources and until > act.moment:
                held.until, held.leased, self.seen = until, True, True

    # -- a sign of life -----------------------------------------------------------------------

    def _beat(self, act: StepContext, place: Place) -> _Beat | None:
        if act.connection is None or act.outside:
            return None
        beat = self._beats.get(place)
        if beat is None:
            beat = self._beats[place] = _Beat(place, act.worker, act.connection)
        if beat.worker != act.worker:
            beat.shared = True
            return None
        beat.at, beat.connection = act.at, act.connection
        return beat

    def _learn(self, act: StepContext, words: Words) -> None:
        """How old a sign of life may be: the limit below which somebody looks for scores."""
        if len(words) < 4 or not any(one.since and key == words[1] for (key, _), one in self._all):
            return
        for limit in limits(words, act.moment):
            if limit < act.moment - _AHEAD:
                idle = act.moment - limit
                self._idle[words[1]] = min(idle, self._idle.get(words[1], idle))

    @property
    def _all(self) -> Iterator[tuple[Place, _Beat]]:
        return iter(self._beats.items())

    def _end(self, beat: _Beat) -> float | None:
        if beat.shared or not beat.read:
            return None
        idle = self._idle.get(beat.place[0])
        if beat.since is not None:
            return None if idle is None else beat.since + idle
        return beat.until

    def _apply(self, act: StepContext, beat: _Beat) -> None:
        """All that its worker has is its own until then, but for what has a lease itself."""
        until = self._end(beat)
        if until is None:
            return
        for item in self._ledger.items.values():
            for held in item.held:
                mine = held.worker == beat.worker and not (held.new or held.sources)
                if mine and not held.returned and self._is_of(beat, held):
                    self.seen = True
                    self._ledger.lease(act, held, until, beat.at, beat.connection)

    def _of(self, held: Delivery) -> Iterator[_Beat]:
        return (
            beat
            for beat in self._beats.values()
            if beat.worker == held.worker and self._is_of(beat, held)
        )

    def _is_of(self, beat: _Beat, held: Delivery) -> bool:
        """Whether its name is where the item lies: else nobody could tell whose the item is."""
        key, member = beat.place
        words = {word for word in parts(member or key) if len(word) >= _SHORTEST}
        theirs = {
            word
            for (key, member), other in self._beats.items()
            if other.worker != beat.worker
            for word in parts(member or key)
        }
        texts = list(self._texts(held))
        return any(word in text for word in words - theirs for text in texts)

    def _texts(self, held: Delivery) -> Iterator[bytes]:
        """The names under which an item lies, and what stands there beside it."""
        yield held.token
        for key, sub in (*held.places, *held.extra):
            yield key
            yield sub
            value = self._space.get(key)
            if isinstance(value, Hash):
                yield value.get(held.item.value, b"")


def _looks_at(words: Words, key: bytes) -> bool:
    if name(words) in _LISTING:
        patterns = words[1:2] if name(words) == b"KEYS" else words[2:]
        return any(fnmatchcase(key.decode("latin-1"), one.decode("latin-1")) for one in patterns)
    return key in reads(words)
