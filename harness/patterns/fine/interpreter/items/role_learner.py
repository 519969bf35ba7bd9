"""What commands are for, as it is learned from what they do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.patterns.command_roles import Roles
from harness.patterns.fine.interpreter.keyspace.locations import Place
from harness.patterns.fine.interpreter.transcript.commands import (
    COUNTS,
    POPS,
    REMOVERS,
    SCRIPTS,
    Words,
    counts,
    name,
)
from harness.patterns.fine.interpreter.transcript.connections import ExecutedUnit, signature
from harness.tap.points import Signature

#: Signatures of one role; a worker that has more of them names its keys after items.
_MOST = 64

_CHANGING = re.compile(
    rb"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*|\d+|-[bcdfghjklmnpqrstvwxz2456789]{5}(?![0-9a-z])"
)

#: How long an item may be that keys are named after.
_NAMES = 3, 100

_CLAIMING = (
    POPS | REMOVERS | SCRIPTS | {b"ZADD", b"ZINCRBY", b"XREADGROUP", b"XCLAIM", b"XAUTOCLAIM"}
)
#: They make a lock on an item, in a key of its own or in one for all.
_LOCKING = frozenset((b"SET", b"SETNX", b"SETEX", b"PSETEX", b"HSET", b"HSETNX", b"HSETEX"))
_REMOVING = REMOVERS | SCRIPTS | POPS
_RENEWING = SCRIPTS | {b"ZADD", b"ZINCRBY", b"HSET", b"XCLAIM"}
_RETURNING = SCRIPTS | POPS | {b"ZADD", b"HSET", b"LPUSH", b"RPUSH"}


class RoleLearner:
    """Begins with what was taught, and takes in more."""

    def __init__(self, roles: Roles, *, teaching: bool = False) -> None:
        #: Nothing was taught, so this is the run in which nothing fails.
        self.teaching = teaching
        self._claims = dict.fromkeys(roles.claims)
        self._silent = dict.fromkeys(roles.silent)
        self._tells = dict.fromkeys(roles.tells)
        self._settles = dict.fromkeys(roles.settles)
        self._renews = dict.fromkeys(roles.renews)
        self._gives_back = dict.fromkeys(roles.gives_back)
        self._asks = dict.fromkeys(roles.asks)
        self.processing = dict.fromkeys(roles.processing)
        self.dead = dict.fromkeys(roles.dead)
        self.done = dict.fromkeys(roles.done)
        self.idle = roles.idle
        self.deadlines = dict.fromkeys(roles.deadlines)
        #: Keys where items lie in bytes that cannot be read.
        self.guessed = dict.fromkeys(roles.guessed)
        #: Keys where items lie in other bytes, and those of which one has gone again.
        self.carrying: dict[bytes, None] = {}
        self.emptied: set[bytes] = set()
        self._written: dict[bytes, None] = {}
        #: Items, as far as keys may be named after them.
        self._names: set[bytes] = set()
        self._shapes = {shape(key) for key in self.done}
        self._processing_shapes: set[bytes] = set()
        self._looked: set[bytes] = set()
        self._processing_then = 0

    def is_done(self, key: bytes) -> bool:
        """Whether successes write there, in the same key or in one of such a name."""
        return key in self.done or (bool(self._shapes) and self._shape(key) in self._shapes)

    def looked(self, keys: Iterable[bytes]) -> None:
        """Whoever wants an item looks there, too."""
        self._looked.update(keys)

    def is_source(self, key: bytes) -> bool:
        """Whether items wait there for whoever comes: claims look there, and put nothing there."""
        return key in self._looked and not self.is_processing(key) and key not in self.deadlines

    def is_processing(self, key: bytes) -> bool:
        """Whether items lie there that somebody has: a new worker's own key is like the others'."""
        if key in self.processing:
            return True
        if len(self.processing) != self._processing_then:
            self._processing_then = len(self.processing)
            self._processing_shapes = {self._shape(one) for one in self.processing}
        return self._shape(key) in self._processing_shapes

    def named(self, item: bytes) -> None:
        """There is such an item, and keys may have its name."""
        if _NAMES[0] <= len(item) <= _NAMES[1]:
            self._names.add(item)

    def _shape(self, key: bytes) -> bytes:
        return shape(key, (name for name in self._names if name in key))

    def writes(self, keys: Iterable[bytes]) -> None:
        """Something about items has come there, and nothing had failed."""
        self._written.update(dict.fromkeys(keys))

    def archives(self, keys: Iterable[bytes]) -> None:
        """What is done lies there."""
        for key in keys:
            self.done.setdefault(key)
            self.processing.pop(key, None)
            self._shapes.add(self._shape(key))

    def carries(self, gained: Iterable[Place], lost: Iterable[Place]) -> None:
        """Items in other bytes have come to places, and have gone from others."""
        self.carrying.update(dict.fromkeys(key for key, _ in gained))
        self.emptied.update(key for key, _ in lost)

    @property
    def logs(self) -> tuple[bytes, ...]:
        """Keys to which all came that was claimed, and of which nothing ever went."""
        lie = self.processing
        return tuple(key for key in self.carrying if key in lie and key not in self.emptied)

    @property
    def written(self) -> tuple[bytes, ...]:
        """Keys of results and the like."""
        lie = {*self.processing, *self.dead, *self.done}
        return tuple(key for key in self._written if key not in lie)

    def roles(self) -> Roles:
        return Roles(
            tuple(self._claims),
            tuple(self._settles),
            tuple(self._renews),
            tuple(self._gives_back),
            tuple(self._asks),
            tuple(self.processing),
            tuple(self.dead),
            self._lasting(self.done),
            self.idle,
            tuple(self.deadlines),
            self._lasting(self.written),
            self.logs if self.teaching else (),
            tuple(self.guessed),
            tuple(self._silent),
            tuple(self._tells),
        )

    def _lasting(self, keys: Iterable[bytes]) -> tuple[bytes, ...]:
        """Keys, and what others like them are called that are named after other items."""
        known = dict.fromkeys(keys)
        for key in list(known) if self.teaching else ():
            if self._shape(key) != shape(key):
                known.setdefault(self._shape(key))
        return tuple(known)

    def claimed(self, group: ExecutedUnit, *, silent: bool = False) -> None:
        """Learn a claim; where an item stays where it lies, a lock makes it somebody's."""
        made = [signature(words) for words in group.tops if name(words) in _CLAIMING]
        locks = [words for words in group.tops if name(words) in _LOCKING and len(words) > 1]
        made = made or [self._for_each_item(words) for words in locks]
        for known in (self._claims, self._silent) if silent else (self._claims,):
            for one in made:
                if one.key and len(known) < _MOST:
                    known.setdefault(one)

    def told(self, words: Words) -> None:
        """It was answered with the item of a claim that was not."""
        own = self._for_each_item(words)
        if own.key and len(self._tells) < _MOST:
            self._tells.setdefault(own)

    def _for_each_item(self, words: Words) -> Signature:
        """A command's signature, with `*` for what in its key is another one for the next item."""
        own = signature(words)
        start, changes, _ = self._shape(own.key).partition(b"*")
        return Signature(own.name, start + changes) if changes and start else own

    def takes_over(self, stream: bytes) -> None:
        """Who reads a stream is given in these ways what others have had, seen or not."""
        for what in ("XAUTOCLAIM", "XCLAIM"):
            self._claims.setdefault(Signature(what, stream))

    def settled(self, group: ExecutedUnit) -> None:
        _learn(self._settles, group, _REMOVING)

    def renewed(self, group: ExecutedUnit) -> None:
        _learn(self._renews, group, _RENEWING)

    def gave_back(self, group: ExecutedUnit) -> None:
        _learn(self._gives_back, group, _RETURNING)

    def asked(self, group: ExecutedUnit, keys: Iterable[bytes]) -> None:
        """Counting is asking when it is about the queue, or where claimed items lie."""
        if _only_counts(group) and any(not set(words).isdisjoint(keys) for words in group.lines):
            _learn(self._asks, group, COUNTS | SCRIPTS)

    def is_claim(self, words: Words) -> bool:
        return signature(words) in self._claims and name(words) not in _LOCKING

    def is_asking(self, words: Words) -> bool:
        return signature(words) in self._asks

    def is_settling(self, words: Words) -> bool:
        """Also of commands that claim as well, when these are no scripts."""
        return signature(words) in self._settles and not self.is_claim(words)


def shape(key: bytes, names: Iterable[bytes] = ()) -> bytes:
    """A key's name without what may be another one next time: numbers, ids, names of pods.

    And those of items, which are `names`.
    """
    for item in sorted(names, key=len, reverse=True):
        key = key.replace(item, b"*")
    return _CHANGING.sub(b"*", key)


def is_done(key: bytes, done: Iterable[bytes]) -> bool:
    """Whether a key is one of these, or has a name like one of them."""
    return shape(key) in map(shape, done)


def _only_counts(group: ExecutedUnit) -> bool:
    """Whether it counts and does nothing else, be it in a script."""
    looks = [words for words in group.lines if name(words) not in SCRIPTS | {b"TIME", b"SELECT"}]
    return bool(looks) and all(counts(words) for words in looks)


def _learn(known: dict[Signature, None], group: ExecutedUnit, kinds: frozenset[bytes]) -> None:
    """Of what was sent together, the commands that may have done it."""
    for words in group.tops:
        if name(words) in kinds and len(known) < _MOST:
            known.setdefault(signature(words))
