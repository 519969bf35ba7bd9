"""Roles of commands, as learned from their effects."""

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

#: Most signatures of one role; a worker that has more of them names its keys after items.
_MOST = 64

_CHANGING = re.compile(
    rb"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*|\d+|-[bcdfghjklmnpqrstvwxz2456789]{5}(?![0-9a-z])"
)

#: Shortest and longest item that keys may be named after, in bytes.
_NAME_LENGTHS = 3, 100

_CLAIMING = (
    POPS | REMOVERS | SCRIPTS | {b"ZADD", b"ZINCRBY", b"XREADGROUP", b"XCLAIM", b"XAUTOCLAIM"}
)
#: Commands that lock an item, in a key of its own or in one for all items.
_LOCKING = frozenset((b"SET", b"SETNX", b"SETEX", b"PSETEX", b"HSET", b"HSETNX", b"HSETEX"))
_REMOVING = REMOVERS | SCRIPTS | POPS
_RENEWING = SCRIPTS | {b"ZADD", b"ZINCRBY", b"HSET", b"XCLAIM"}
_RETURNING = SCRIPTS | POPS | {b"ZADD", b"HSET", b"LPUSH", b"RPUSH"}


class RoleLearner:
    """Starts with the given roles, and learns more."""

    def __init__(self, roles: Roles, *, teaching: bool = False) -> None:
        #: No roles were given, so this is the run in which nothing fails.
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
        #: Keys where items lie in other bytes, and those that lost one again.
        self.carrying: dict[bytes, None] = {}
        self.emptied: set[bytes] = set()
        self._written: dict[bytes, None] = {}
        #: Items that keys may be named after.
        self._names: set[bytes] = set()
        self._shapes = {shape(key) for key in self.done}
        self._processing_shapes: set[bytes] = set()
        self._searched: set[bytes] = set()
        self._processing_count = 0

    def is_done(self, key: bytes) -> bool:
        """Return whether successes write to this key, or to one with such a name."""
        return key in self.done or (bool(self._shapes) and self._shape(key) in self._shapes)

    def looked(self, keys: Iterable[bytes]) -> None:
        """Record more keys in which a worker searches when it wants an item."""
        self._searched.update(keys)

    def is_source(self, key: bytes) -> bool:
        """Return whether items wait in a key for any worker.

        Claims search there, and put nothing there.
        """
        return key in self._searched and not self.is_processing(key) and key not in self.deadlines

    def is_processing(self, key: bytes) -> bool:
        """Return whether claimed items lie in a key; a new worker's key is like the others'."""
        if key in self.processing:
            return True
        if len(self.processing) != self._processing_count:
            self._processing_count = len(self.processing)
            self._processing_shapes = {self._shape(known_key) for known_key in self.processing}
        return self._shape(key) in self._processing_shapes

    def named(self, item: bytes) -> None:
        """Record an item; keys may be named after it."""
        if _NAME_LENGTHS[0] <= len(item) <= _NAME_LENGTHS[1]:
            self._names.add(item)

    def _shape(self, key: bytes) -> bytes:
        return shape(key, (name for name in self._names if name in key))

    def writes(self, keys: Iterable[bytes]) -> None:
        """Record keys that received something about items while nothing failed."""
        self._written.update(dict.fromkeys(keys))

    def archives(self, keys: Iterable[bytes]) -> None:
        """Record keys where finished items lie."""
        for key in keys:
            self.done.setdefault(key)
            self.processing.pop(key, None)
            self._shapes.add(self._shape(key))

    def carries(self, gained: Iterable[Place], lost: Iterable[Place]) -> None:
        """Record the places that items in other bytes came to, and those that they left."""
        self.carrying.update(dict.fromkeys(key for key, _ in gained))
        self.emptied.update(key for key, _ in lost)

    @property
    def logs(self) -> tuple[bytes, ...]:
        """Keys that received all claimed items, and that never lost one."""
        processing = self.processing
        return tuple(key for key in self.carrying if key in processing and key not in self.emptied)

    @property
    def written(self) -> tuple[bytes, ...]:
        """Keys of results and the like."""
        locations = {*self.processing, *self.dead, *self.done}
        return tuple(key for key in self._written if key not in locations)

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
        """Return keys, and the shapes of those that are named after items."""
        known = dict.fromkeys(keys)
        for key in list(known) if self.teaching else ():
            if self._shape(key) != shape(key):
                known.setdefault(self._shape(key))
        return tuple(known)

    def claimed(self, group: ExecutedUnit, *, silent: bool = False) -> None:
        """Learn a claim; if an item stays where it lies, a lock assigns it to a worker."""
        signatures = [signature(words) for words in group.tops if name(words) in _CLAIMING]
        locks = [words for words in group.tops if name(words) in _LOCKING and len(words) > 1]
        signatures = signatures or [self._for_each_item(words) for words in locks]
        for known in (self._claims, self._silent) if silent else (self._claims,):
            for claim in signatures:
                if claim.key and len(known) < _MOST:
                    known.setdefault(claim)

    def told(self, words: Words) -> None:
        """Learn a command whose answer contained the item of a silent claim."""
        role_signature = self._for_each_item(words)
        if role_signature.key and len(self._tells) < _MOST:
            self._tells.setdefault(role_signature)

    def _for_each_item(self, words: Words) -> Signature:
        """Return a command's signature, with `*` for the part of its key that changes per item."""
        plain = signature(words)
        start, changes, _ = self._shape(plain.key).partition(b"*")
        return Signature(plain.name, start + changes) if changes and start else plain

    def takes_over(self, stream: bytes) -> None:
        """Learn the commands that give a stream's reader the entries of others, seen or not."""
        for command in ("XAUTOCLAIM", "XCLAIM"):
            self._claims.setdefault(Signature(command, stream))

    def settled(self, group: ExecutedUnit) -> None:
        _learn(self._settles, group, _REMOVING)

    def renewed(self, group: ExecutedUnit) -> None:
        _learn(self._renews, group, _RENEWING)

    def gave_back(self, group: ExecutedUnit) -> None:
        _learn(self._gives_back, group, _RETURNING)

    def asked(self, group: ExecutedUnit, keys: Iterable[bytes]) -> None:
        """Learn a count as a question, if it is about the queue or about claimed items."""
        if _only_counts(group) and any(not set(words).isdisjoint(keys) for words in group.lines):
            _learn(self._asks, group, COUNTS | SCRIPTS)

    def is_claim(self, words: Words) -> bool:
        return signature(words) in self._claims and name(words) not in _LOCKING

    def is_asking(self, words: Words) -> bool:
        return signature(words) in self._asks

    def is_settling(self, words: Words) -> bool:
        """Return whether a command settles items and does not claim any."""
        return signature(words) in self._settles and not self.is_claim(words)


def shape(key: bytes, names: Iterable[bytes] = ()) -> bytes:
    """Return a key's name without parts that may change: numbers, ids, names of pods.

    The names of items, given as `names`, are replaced as well.
    """
    for item in sorted(names, key=len, reverse=True):
        key = key.replace(item, b"*")
    return _CHANGING.sub(b"*", key)


def is_done(key: bytes, done: Iterable[bytes]) -> bool:
    """Return whether a key is one of these, or has a name like one of them."""
    return shape(key) in map(shape, done)


def _only_counts(group: ExecutedUnit) -> bool:
    """Return whether a unit counts and does nothing else, even in a script."""
    queries = [words for words in group.lines if name(words) not in SCRIPTS | {b"TIME", b"SELECT"}]
    return bool(queries) and all(counts(words) for words in queries)


def _learn(known: dict[Signature, None], group: ExecutedUnit, kinds: frozenset[bytes]) -> None:
    """Learn the commands that may have done it, among those that were sent together."""
    for words in group.tops:
        if name(words) in kinds and len(known) < _MOST:
            known.setdefault(signature(words))
