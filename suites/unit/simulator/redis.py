"""A small Redis, as its tap hears it: what was asked, what MONITOR shows, what replicas get."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from harness.tap.records import Effect, Monitored, Record, Tick

Word = bytes | str | float
Call = Callable[..., Any]
#: What a script does with the keys: its redis.call is given to it.
Script = Callable[[Call], Any]

_WRITES = frozenset(
    b"RPUSH LPUSH LPOP LMOVE LREM ZADD ZREM HSET HDEL HINCRBY SET DEL SADD SREM".split()
)


def words(*said: Word) -> tuple[bytes, ...]:
    """A command's words as bytes."""
    return tuple(one if isinstance(one, bytes) else str(one).encode() for one in said)


def digest(script: str) -> bytes:
    """The name by which a script that is known is called."""
    return hashlib.sha1(script.encode()).hexdigest().encode()  # noqa: S324  # as Redis has it


class Redis:
    """Keys of all kinds; `tell` gets the records, `now` is the clock in seconds since 1970."""

    def __init__(self, tell: Callable[[Record], None], now: Callable[[], float]) -> None:
        self._tell, self.now = tell, now
        self.keys: dict[bytes, Any] = {}
        self._ends: dict[bytes, float] = {}
        self._ticks = 0
        self._effects: list[tuple[bytes, ...]] = []

    # -- what clients do ----------------------------------------------------------------------

    def run(self, client: str, *said: Word) -> Any:
        """One command."""
        self._expire()
        line = words(*said)
        self._show(client, line)
        value = self._do(line)
        self._replicate()
        return value

    def script(self, client: str, line: tuple[bytes, ...], does: Script) -> Any:
        """One script: EVALSHA, and what it calls."""
        self._expire()
        self._show(client, line)

        def call(*said: Word) -> Any:
            inner = words(*said)
            self._show("lua", inner)
            return self._do(inner)

        value = does(call)
        self._replicate()
        return value

    def transaction(self, client: str, lines: Sequence[tuple[bytes, ...]]) -> list[Any]:
        """MULTI, these commands, EXEC."""
        self._expire()
        values = []
        for line in ((b"MULTI",), *lines, (b"EXEC",)):
            self._show(client, line)
            if line[0] not in (b"MULTI", b"EXEC"):
                values.append(self._do(line))
        self._replicate()
        return values

    def tick(self) -> None:
        """The tap's mark in both streams."""
        self._expire()
        self._ticks += 1
        self._tell(Tick(self._ticks, "monitor"))
        self._tell(Tick(self._ticks, "replica"))

    # -- what replicas and MONITOR get --------------------------------------------------------

    def _show(self, client: str, line: tuple[bytes, ...]) -> None:
        self._tell(Monitored(self.now(), client, 0, line))

    def _replicate(self) -> None:
        effects, self._effects = self._effects, []
        marks = len(effects) > 1
        for effect in ((b"MULTI",), *effects, (b"EXEC",)) if marks else effects:
            self._tell(Effect(effect))

    def _expire(self) -> None:
        for key in [key for key, end in self._ends.items() if end <= self.now()]:
            del self._ends[key]
            if self.keys.pop(key, None) is not None:
                self._tell(Effect((b"DEL", key)))

    # -- commands -----------------------------------------------------------------------------

    def _do(self, line: tuple[bytes, ...]) -> Any:
        name = line[0].upper()
        value, effect = getattr(self, f"_{name.decode().lower()}")(*line[1:]), line
        if name == b"SET":
            effect = self._set_effect(line)
        if name in _WRITES and value not in (None, 0):
            self._effects.append(effect)
        for key in [key for key, held in self.keys.items() if not held and held != b""]:
            del self.keys[key]
        return value

    def _list(self, key: bytes) -> list[bytes]:
        return self.keys.setdefault(key, [])  # type: ignore[no-any-return]  # a worker's key has one kind

    def _map(self, key: bytes) -> dict[bytes, Any]:
        return self.keys.setdefault(key, {})  # type: ignore[no-any-return]

    def _rpush(self, key: bytes, *values: bytes) -> int:
        self._list(key).extend(values)
        return len(self._list(key))

    def _lpush(self, key: bytes, *values: bytes) -> int:
        self._list(key)[:0] = reversed(values)
        return len(self._list(key))

    def _lpop(self, key: bytes) -> bytes | None:
        return self._list(key).pop(0) if self._list(key) else None

    def _lmove(self, old: bytes, new: bytes, *_: bytes) -> bytes | None:
        """From the left to the right, as all here want it."""
        value = self._lpop(old)
        if value is not None:
            self._list(new).append(value)
        return value

    def _lrem(self, key: bytes, _: bytes, value: bytes) -> int:
        if value not in self._list(key):
            return 0
        self._list(key).remove(value)
        return 1

    def _llen(self, key: bytes) -> int:
        return len(self._list(key))

    def _lindex(self, key: bytes, index: bytes) -> bytes | None:
        values = self._list(key)
        return values[int(index)] if int(index) < len(values) else None

    def _lrange(self, key: bytes, *_: bytes) -> list[bytes]:
        return list(self._list(key))

    def _zadd(self, key: bytes, score: bytes, value: bytes) -> int:
        self._map(key)[value] = float(score)
        return 1

    def _zrem(self, key: bytes, value: bytes) -> int:
        return int(self._map(key).pop(value, None) is not None)

    def _zscore(self, key: bytes, value: bytes) -> float | None:
        return self._map(key).get(value)

    def _zrangebyscore(self, key: bytes, _: bytes, end: bytes) -> list[bytes]:
        scores = sorted((score, value) for value, score in self._map(key).items())
        return [value for score, value in scores if score <= float(end)]

    def _zcard(self, key: bytes) -> int:
        return len(self._map(key))

    def _hset(self, key: bytes, field: bytes, value: bytes) -> int:
        self._map(key)[field] = value
        return 1

    def _hget(self, key: bytes, field: bytes) -> bytes | None:
        return self._map(key).get(field)

    def _hgetall(self, key: bytes) -> dict[bytes, bytes]:
        return dict(self._map(key))

    def _hdel(self, key: bytes, *fields: bytes) -> int:
        return sum(self._map(key).pop(field, None) is not None for field in fields)

    def _hlen(self, key: bytes) -> int:
        return len(self._map(key))

    def _hincrby(self, key: bytes, field: bytes, by: bytes) -> int:
        value = int(self._map(key).get(field, b"0")) + int(by)
        self._map(key)[field] = str(value).encode()
        return value

    def _set(self, key: bytes, value: bytes, *options: bytes) -> bytes:
        self.keys[key] = value
        self._ends.pop(key, None)
        if options:
            self._ends[key] = self.now() + int(options[1])
        return b"OK"

    def _set_effect(self, line: tuple[bytes, ...]) -> tuple[bytes, ...]:
        end = self._ends.get(line[1])
        return line if end is None else (*line[:3], *words("PXAT", int(end * 1000)))

    def _get(self, key: bytes) -> bytes | None:
        return self.keys.get(key)

    def _del(self, *keys: bytes) -> int:
        for key in keys:
            self._ends.pop(key, None)
        return sum(self.keys.pop(key, None) is not None for key in keys)

    def _exists(self, key: bytes) -> int:
        return int(key in self.keys)

    def _sadd(self, key: bytes, value: bytes) -> int:
        new = value not in self._map(key)
        self._map(key)[value] = b""
        return int(new)

    def _srem(self, key: bytes, value: bytes) -> int:
        return int(self._map(key).pop(value, None) is not None)

    def _smembers(self, key: bytes) -> list[bytes]:
        return list(self._map(key))

    def _time(self) -> list[bytes]:
        seconds, rest = divmod(self.now(), 1)
        return list(words(int(seconds), int(rest * 1e6)))

    def _hello(self, *_: bytes) -> dict[bytes, Any]:
        return {b"server": b"redis", b"proto": 3}

    def _watch(self, *_: bytes) -> bytes:
        return b"OK"


class Client:
    """What the harness sees of a Redis past its tap, under the names that redis-py has."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def rpush(self, key: str, *values: bytes) -> None:
        self._redis.run("127.0.0.1:39999", "RPUSH", key, *values)

    def set(self, key: str, value: Word) -> None:
        self._redis.run("127.0.0.1:39999", "SET", key, value)

    def scan_iter(self, count: int = 0) -> list[bytes]:  # as redis-py has it
        return list(self._redis.keys)

    def type(self, key: bytes) -> bytes:
        value = self._redis.keys.get(key)
        if isinstance(value, dict):
            scores = all(isinstance(one, float) for one in value.values())
            return b"zset" if scores else b"hash" if any(value.values()) else b"set"
        return b"list" if isinstance(value, list) else b"string"

    def lrange(self, key: bytes, *_: int) -> list[bytes]:
        return list(self._redis.keys.get(key, []))

    def hgetall(self, key: bytes) -> dict[bytes, bytes]:
        return dict(self._redis.keys.get(key, {}))

    def smembers(self, key: bytes) -> set[bytes]:
        return set(self._redis.keys.get(key, {}))

    def zrange(self, key: bytes, *_: int) -> list[bytes]:
        return list(self._redis.keys.get(key, {}))

    def get(self, key: bytes) -> bytes | None:
        return self._redis.keys.get(key)

    def ttl(self, key: bytes) -> int:
        return -1
