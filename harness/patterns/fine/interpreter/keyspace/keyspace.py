"""The keys that Redis holds, as its replicated effects show them.

A queue that is a stream is not part of this model.
"""

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

_OTHER_DATABASE = re.compile(rb"database \d+: ")


class Keyspace:
    """The keys of one database; effects are applied in the order of the replica's link."""

    def __init__(self) -> None:
        self.places = LocationIndex()
        self._keys: dict[bytes, Value] = {}
        #: Keys that expire.
        self._expiries: dict[bytes, int] = {}

    def get(self, key: bytes) -> Value | None:
        return self._keys.get(key)

    def ends(self, key: bytes) -> int | None:
        """Return when a key expires, in milliseconds since 1970."""
        return self._expiries.get(key)

    def lasting(self) -> int:
        """Count the keys of the queue's database that do not expire."""
        return sum(
            not _OTHER_DATABASE.match(key) for key in self._keys.keys() - self._expiries.keys()
        )

    def apply(self, effect: Words) -> bool:
        """Apply an effect; return False for one that is unknown or does not fit its key."""
        change = _CHANGES.get(name(effect))
        if change is None:
            return False
        try:
            change(self, placed(effect))
        except (IndexError, KeyError, TypeError, ValueError, AttributeError):
            # Redis did apply the effect, so this model is wrong.
            return False
        return True

    def would_take(self, effect: Words) -> bytes | None:
        """Return what an effect would remove first, or None if it is not one that removes."""
        command, effect = name(effect), placed(effect)
        if command == b"XCLAIM":
            return next(iter(effect[5:6]), None)
        value = self._keys.get(effect[1]) if len(effect) > 1 else None
        if isinstance(value, deque) and value:
            if command == b"LMOVE":
                command = b"LPOP" if effect[3:4] and effect[3].upper() == b"LEFT" else b"RPOP"
            return {b"LPOP": value[0], b"RPOP": value[-1], b"RPOPLPUSH": value[-1]}.get(command)
        if isinstance(value, Zset) and value and command in (b"ZPOPMIN", b"ZPOPMAX"):
            return value.ends(1, highest=command == b"ZPOPMAX")[0]
        return None

    # -- for effects on values ----------------------------------------------------------------

    def put(self, key: bytes, value: Value) -> None:
        """Add a new key."""
        self._keys[key] = value

    def tidy(self, key: bytes) -> None:
        """Remove a key that holds nothing any more."""
        if not self._keys.get(key, True):
            del self._keys[key]
            self._expiries.pop(key, None)

    # -- complete keys ------------------------------------------------------------------------

    def delete(self, effect: Words) -> None:
        for key in effect[1:]:
            self._delete(key)

    def _delete(self, key: bytes) -> None:
        value = self._keys.pop(key, None)
        if value is None:
            return
        for element, field in _contents(value):
            self.places.drop(element, key, field)
        if self._expiries.pop(key, None) is not None:
            self.places.note(Gone(key))
        elif isinstance(value, (bytes, Hash)):
            self.places.note(Dropped(key, b""))
        for member in value if isinstance(value, (Hash, Zset)) else ():
            self.places.note(Dropped(key, member))

    def rename(self, effect: Words) -> None:
        _, old, new = effect[:3]
        value, until = self._keys[old], self._expiries.get(old)
        self._delete(new)
        self._delete(old)
        self._keys[new] = value
        if until is not None:
            self._expiries[new] = until
        for element, field in _contents(value):
            self.places.add(element, new, field)

    def clear(self, effect: Words) -> None:
        """Remove all keys, or with FLUSHDB those of one database."""
        one_database = name(effect) == b"FLUSHDB"
        prefix = (
            effect[1]
            if one_database and len(effect) > 1 and _OTHER_DATABASE.match(effect[1])
            else b""
        )
        for key in list(self._keys):
            if not one_database or (
                key.startswith(prefix) if prefix else not _OTHER_DATABASE.match(key)
            ):
                self._delete(key)

    def set_string(self, effect: Words) -> None:
        """Set a string; its expiry is replicated as a moment, and KEEPTTL keeps the present one."""
        _, key, value, *options = effect
        flags = [word.upper() for word in options]
        until = self._expiries.get(key) if b"KEEPTTL" in flags else None
        if b"PXAT" in flags:
            until = int(options[flags.index(b"PXAT") + 1])
        old = self._keys.get(key)
        for element, field in () if old is None else _contents(old):
            self.places.drop(element, key, field)
        self._keys[key] = value
        self.places.add(value, key)
        self._expiries.pop(key, None)
        if until is not None:
            self._expiries[key] = until
            self.places.note(Timed(key, value, until))
        else:
            self.places.note(Written(key, b"", value))

    def set_strings(self, effect: Words) -> None:
        for key, value in zip(effect[1::2], effect[2::2], strict=True):
            self.set_string((b"SET", key, value))

    def alter_string(self, effect: Words) -> None:
        """Change a counter or a growing text, neither of which is a location of an item."""
        old = self._keys.get(effect[1])
        if isinstance(old, bytes):
            self.places.drop(old, effect[1])
            self.places.add(b"", effect[1])
        self._keys[effect[1]] = b""

    def end_at(self, effect: Words) -> None:
        key, until = effect[1], int(effect[2])
        if key in self._keys:
            self._expiries[key] = until
            value = self._keys[key]
            kept = value if isinstance(value, bytes) else b""
            self.places.note(Timed(key, None, until, kept=kept))

    def leave(self, effect: Words) -> None:
        """Do nothing."""

    def persist(self, effect: Words) -> None:
        self._expiries.pop(effect[1], None)


def _contents(value: Value) -> list[tuple[bytes, bytes]]:
    """List the values in a key, each with its field if it has one."""
    if isinstance(value, bytes):
        return [(value, b"")]
    if isinstance(value, Hash):
        return [(field, b"") for field in value] + [
            (element, field) for field, element in value.items()
        ]
    if isinstance(value, Entries):
        return [(element, entry) for entry, elements in value.items() for element in elements]
    return [(element, b"") for element in value]


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
    # Their values are counts and digests, from which no item can be read again.
    **dict.fromkeys(
        b"PFADD PFMERGE BITFIELD BITOP BF.ADD BF.MADD BF.INSERT CF.ADD CF.ADDNX CMS.INCRBY "
        b"TOPK.ADD TS.ADD TS.INCRBY TS.DECRBY".split(),
        Keyspace.leave,
    ),
}
