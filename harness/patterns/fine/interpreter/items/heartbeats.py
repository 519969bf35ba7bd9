"""Leases of workers: a heartbeat that expires, and with it the claim on all their items.

A key that expires, or a score or a text with a moment, is a worker's heartbeat under two
conditions: its name is like that of the worker where its items lie (`processing:W` and `alive:W`),
and other workers read it.
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
#: Seconds within which a number is "now": the time of a heartbeat.
_NOW = 5.0
#: Bytes of the shortest word that distinguishes one worker from another.
_SHORTEST = 3
_LISTING = frozenset((b"KEYS", b"SCAN"))


@dataclass(slots=True, eq=False)
class _Beat:
    """A heartbeat: the worker that sent it last, when (seconds since the start), and its end."""

    place: Place
    worker: str
    connection: int
    at: float = 0.0
    #: Seconds since 1970; None while its duration is unknown.
    until: float | None = None
    #: When it was sent, if the number is that time and not its end.
    since: float | None = None
    #: Another worker has read it.
    read: bool = False
    #: Several workers set it: it shows nothing about one of them.
    shared: bool = False


class Heartbeats:
    """Tracks workers' heartbeats, and until when the workers hold their items."""

    def __init__(self, space: Space, ledger: DeliveryLedger) -> None:
        self._space, self._ledger = space, ledger
        self._beats: dict[Place, _Beat] = {}
        #: Keys with the times of heartbeats → the age at which others give up a worker, in seconds.
        self._idle: dict[bytes, float] = {}
        self.seen = False

    def timed(self, act: StepContext, place: Place, until: float) -> None:
        """Record that a worker set a key that expires at `until` (seconds since 1970)."""
        beat = self._beat(act, place)
        if beat is not None:
            beat.until = until
            self._apply(act, beat)

    def numbered(self, act: StepContext, place: Place, at: float | None) -> None:
        """Record that a worker wrote a moment (seconds since 1970) under a name of its own."""
        if at is None or at < act.moment - _NOW:
            return
        beat = self._beat(act, place)
        if beat is None:
            return
        beat.until, beat.since = (at, None) if at > act.end + _AHEAD else (None, at)
        self._apply(act, beat)

    def look(self, act: StepContext) -> None:
        """Learn which heartbeats of others a worker reads, and how old these may be."""
        group = act.group
        if group is None or not self._beats:
            return
        for words in group.lines:
            self._learn_idle(act, words)
        unread = [
            heartbeat
            for heartbeat in self._beats.values()
            if not heartbeat.read and heartbeat.worker != act.worker
        ]
        for beat in unread:
            key = beat.place[0]
            if key in group.brought or any(_inspects(words, key) for words in group.lines):
                beat.read = True
                self._apply(act, beat)

    def given(self, act: StepContext) -> None:
        """Lease the deliveries of this step to their worker until its heartbeat ends."""
        for held in act.new:
            ends = [
                until for beat in self._beats_of(held) if (until := self._end(beat)) is not None
            ]
            until = max(ends, default=None)
            if until is not None and not held.sources and until > act.moment:
                held.until, held.leased, self.seen = until, True, True

    # -- heartbeats ----------------------------------------------------------------------------

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

    def _learn_idle(self, act: StepContext, words: Words) -> None:
        """Learn how old a heartbeat may be: the limit below which a worker searches for scores."""
        if len(words) < 4 or not any(
            beat.since and key == words[1] for (key, _), beat in self._all_beats
        ):
            return
        for limit in limits(words, act.moment):
            if limit < act.moment - _AHEAD:
                idle = act.moment - limit
                self._idle[words[1]] = min(idle, self._idle.get(words[1], idle))

    @property
    def _all_beats(self) -> Iterator[tuple[Place, _Beat]]:
        return iter(self._beats.items())

    def _end(self, beat: _Beat) -> float | None:
        if beat.shared or not beat.read:
            return None
        idle = self._idle.get(beat.place[0])
        if beat.since is not None:
            return None if idle is None else beat.since + idle
        return beat.until

    def _apply(self, act: StepContext, beat: _Beat) -> None:
        """Lease all that the worker has until its heartbeat ends, except items with own leases."""
        until = self._end(beat)
        if until is None:
            return
        for item in self._ledger.items.values():
            for held in item.held:
                affected = held.worker == beat.worker and not (held.new or held.sources)
                if affected and not held.returned and self._covers(beat, held):
                    self.seen = True
                    self._ledger.lease(act, held, until, beat.at, beat.connection)

    def _beats_of(self, held: Delivery) -> Iterator[_Beat]:
        return (
            beat
            for beat in self._beats.values()
            if beat.worker == held.worker and self._covers(beat, held)
        )

    def _covers(self, beat: _Beat, held: Delivery) -> bool:
        """Return whether the heartbeat's name occurs where the item lies.

        Otherwise no worker could find out whose item it is.
        """
        key, member = beat.place
        words = {word for word in parts(member or key) if len(word) >= _SHORTEST}
        other_words = {
            word
            for (key, member), other in self._beats.items()
            if other.worker != beat.worker
            for word in parts(member or key)
        }
        texts = list(self._texts(held))
        return any(word in text for word in words - other_words for text in texts)

    def _texts(self, held: Delivery) -> Iterator[bytes]:
        """Yield the names under which an item lies, and the value stored next to it."""
        yield held.token
        for key, sub in (*held.places, *held.extra):
            yield key
            yield sub
            value = self._space.get(key)
            if isinstance(value, Hash):
                yield value.get(held.item.value, b"")


def _inspects(words: Words, key: bytes) -> bool:
    if name(words) in _LISTING:
        patterns = words[1:2] if name(words) == b"KEYS" else words[2:]
        return any(
            fnmatchcase(key.decode("latin-1"), pattern.decode("latin-1")) for pattern in patterns
        )
    return key in reads(words)
