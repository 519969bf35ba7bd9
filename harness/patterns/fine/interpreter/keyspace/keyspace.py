"""What Redis holds, followed by what it replicates; a queue that is a stream is not in it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping

from harness.patterns.fine.interpreter.keyspace import hash_effects, list_effects, stream_effects
from harness.patterns.fine.interpreter.keyspace.locations import (
    Dropped,
    Gone,
    LocationIndex,
    Timed,
    Written,
)
from harness.patterns.fine.interpreter.keyspace.values import Entries, Hash, Value, Zset
from harness.patterns.fine.interpreter.transcript.commands import Words, name, placed

_FOREIGN = re.compile(rb"database \d+: ")


class Keyspace:
    """The keys of one database. Effects are applied in the order of the replica's link."""

    def __init__(self) -> None:
        self.places = LocationIndex()
        self._keys: dict[bytes, Value] = {}
        #: Keys that have an end.
        self._timed: dict[bytes, int] = {}

    def get(self, key: bytes) -> Value | None:
        return self._keys.get(key)

    def ends(self, key: bytes) -> int | None:
        """When a key expires, in milliseconds since 1970."""
        return self._timed.get(key)

    def lasting(self) -> int:
        """How many keys of the queue's database have no end."""
        return sum(not _FOREIGN.match(key) for key in self._keys.keys() - self._timed.keys())

    def apply(self, effect: Words) -> bool:
        """Follow an effect; False for one that is not known, or that does not fit to its key."""
        change = _CHANGES.get(name(effect))
        if change is None:
            return False
        try:
            change(self, placed(effect))
        except (IndexError, KeyError, TypeError, ValueError, AttributeError):
            # Redis has done it, so it is this model that has lost its way.
            return False
        return True

    def would_take(self, effect: Words) -> bytes | None:
        """What an effect takes away first, as things are; None when it is none that takes."""
        what, effect = name(effect), placed(effect)
        if what == b"XCLAIM":
            return next(iter(effect[5:6]), None)
        value = self._keys.get(effect[1]) if len(effect) > 1 else None
        if isinstance(value, deque) and value:
            if what == b"LMOVE":
                what = b"LPOP" if effect[3:4] and effect[3].upper() == b"LEFT" else b"RPOP"
            return {b"LPOP": value[0], b"RPOP": value[-1], b"RPOPLPUSH": value[-1]}.get(what)
        if isinstance(value, Zset) and value and what in (b"ZPOPMIN", b"ZPOPMAX"):
            return value.ends(1, highest=what == b"ZPOPMAX")[0]
        return None

    # -- for the kinds of keys ----------------------------------------------------------------

    def put(self, key: bytes, value: Value) -> None:
        """A new key."""
        self._keys[key] = value

    def tidy(self, key: bytes) -> None:
        """A key that holds nothing is no key."""
        if not self._keys.get(key, True):
            del self._keys[key]
            self._timed.pop(key, None)

    # -- keys as such -------------------------------------------------------------------------

    def delete(self, effect: Words) -> None:
        for key in effect[1:]:
            self._delete(key)

    def _delete(self, key: bytes) -> None:
        value = self._keys.pop(key, None)
        if value is None:
            return
        for held, sub in _contents(value):
            self.places.drop(held, key, sub)
        if self._timed.pop(key, None) is not None:
            self.places.note(Gone(key))
        elif isinstance(value, (bytes, Hash)):
            self.places.note(Dropped(key, b""))
        for member in value if isinstance(value, (Hash, Zset)) else ():
            self.places.note(Dropped(key, member))

    def rename(self, effect: Words) -> None:
        _, old, new = effect[:3]
        value, until = self._keys[old], self._timed.get(old)
        self._delete(new)
        self._delete(old)
        self._keys[new] = value
        if until is not None:
            self._timed[new] = until
        for held, sub in _contents(value):
            self.places.add(held, new, sub)

    def clear(self, effect: Words) -> None:
        """All keys, or with FLUSHDB those of one database."""
        here = name(effect) == b"FLUSHDB"
        beginning = effect[1] if here and len(effect) > 1 and _FOREIGN.match(effect[1]) else b""
        for key in list(self._keys):
            if not here or (key.startswith(beginning) if beginning else not _FOREIGN.match(key)):
                self._delete(key)

    def set_string(self, effect: Words) -> None:
        """Replicated with its end as a moment; KEEPTTL leaves the one that there is."""
        _, key, value, *options = effect
        words = [word.upper() for word in options]
        until = self._timed.get(key) if b"KEEPTTL" in words else None
        if b"PXAT" in words:
            until = int(options[words.index(b"PXAT") + 1])
        old = self._keys.get(key)
        for held, sub in () if old is None else _contents(old):
            self.places.drop(held, key, sub)
        self._keys[key] = value
        self.places.add(value, key)
        self._timed.pop(key, None)
        if until is not None:
            self._timed[key] = until
            self.places.note(Timed(key, value, until))
        else:
            self.places.note(Written(key, b"", value))

    def set_strings(self, effect: Words) -> None:
        for key, value in zip(effect[1::2], effect[2::2], strict=True):
            self.set_string((b"SET", key, value))

    def alter_string(self, effect: Words) -> None:
        """A counter, or a text that grows: no place for an item."""
        old = self._keys.get(effect[1])
        if isinstance(old, bytes):
            self.places.drop(old, effect[1])
            self.places.add(b"", effect[1])
        self._keys[effect[1]] = b""

    def end_at(self, effect: Words) -> None:
        key, until = effect[1], int(effect[2])
        if key in self._keys:
            self._timed[key] = until
            value = self._keys[key]
            kept = value if isinstance(value, bytes) else b""
            self.places.note(Timed(key, None, until, kept=kept))

    def leave(self, effect: Words) -> None:
        """Do nothing."""

    def persist(self, effect: Words) -> None:
        self._timed.pop(effect[1], None)


def _contents(value: Value) -> list[tuple[bytes, bytes]]:
    """What lies in a key: values, each with its field where it has one."""
    if isinstance(value, bytes):
        return [(value, b"")]
    if isinstance(value, Hash):
        return [(field, b"") for field in value] + [(held, field) for field, held in value.items()]
    if isinstance(value, Entries):
        return [(held, entry) for entry, some in value.items() for held in some]
    return [(held, b"") for held in value]


_CHANGES: Mapping[bytes, Callable[[Keyspace, Words], None]] = {
    **list_effects.CHANGES,
    **hash_effects.CHANGES,
    **stream_effects.CHANGES,
    b"DEL": Keyspace.delete,
    b"UNLINK": Keyspace.delete,
    b"RENAME": Keyspace.rename,
    b"RENAMENX": Keyspace.rename,
    b"FLUSHALL": Keyspace.clear,
    b"FLUSHDB": Keyspace.clear,
    b"SET": Keyspace.set_string,
    b"SETNX": Keyspace.set_string,
    b"GETSET": Keyspace.set_string,
    b"MSET": Keyspace.set_strings,
    b"MSETNX": Keyspace.set_strings,
    b"PEXPIREAT": Keyspace.end_at,
    b"PERSIST": Keyspace.persist,
    **dict.fromkeys(
        (b"INCR", b"DECR", b"INCRBY", b"DECRBY", b"APPEND", b"SETRANGE", b"SETBIT"),
        Keyspace.alter_string,
    ),
    # What they keep are counts and digests, in which no item can be read again.
    **dict.fromkeys(
        b"PFADD PFMERGE BITFIELD BITOP BF.ADD BF.MADD BF.INSERT CF.ADD CF.ADDNX CMS.INCRBY "
        b"TOPK.ADD TS.ADD TS.INCRBY TS.DECRBY".split(),
        Keyspace.leave,
    ),
}
