"""Effects on lists, and on sets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice

from harness.patterns.fine.interpreter.keyspace.values import Space
from harness.patterns.fine.interpreter.transcript.commands import Words, name


def _list(space: Space, key: bytes) -> deque[bytes]:
    held = space.get(key)
    if held is None:
        held = deque()
        space.put(key, held)
    if not isinstance(held, deque):
        raise TypeError(f"{key!r} is no list")
    return held


def _push(space: Space, effect: Words) -> None:
    key = effect[1]
    if name(effect).endswith(b"X") and space.get(key) is None:
        return
    for value in effect[2:]:
        _put(space, key, value, left=name(effect).startswith(b"L"))


def _put(space: Space, key: bytes, value: bytes, *, left: bool) -> None:
    held = _list(space, key)
    if left:
        held.appendleft(value)
    else:
        held.append(value)
    space.places.add(value, key)


def _take(space: Space, key: bytes, *, left: bool) -> bytes:
    held = _list(space, key)
    value = held.popleft() if left else held.pop()
    space.places.drop(value, key)
    space.tidy(key)
    return value


def _pop(space: Space, effect: Words) -> None:
    count = int(effect[2]) if len(effect) > 2 else 1
    for _ in range(min(count, len(_list(space, effect[1])))):
        _take(space, effect[1], left=name(effect) == b"LPOP")


def _rotate(space: Space, effect: Words) -> None:
    value = _take(space, effect[1], left=False)
    _put(space, effect[2], value, left=True)


def _move(space: Space, effect: Words) -> None:
    _, source, target, out, into = effect
    value = _take(space, source, left=out.upper() == b"LEFT")
    _put(space, target, value, left=into.upper() == b"LEFT")


def _remove(space: Space, effect: Words) -> None:
    _, key, count, value = effect
    held, most = _list(space, key), int(count)
    for _ in range(min(held.count(value), abs(most) or len(held))):
        if most < 0:
            held.reverse()
        held.remove(value)
        if most < 0:
            held.reverse()
        space.places.drop(value, key)
    space.tidy(key)


def _trim(space: Space, effect: Words) -> None:
    key, first, last = effect[1], int(effect[2]), int(effect[3])
    held = _list(space, key)
    length = len(held)
    first, last = max(first + length * (first < 0), 0), last + length * (last < 0)
    kept = list(islice(held, first, max(last + 1, first)))
    _replace(space, key, held, kept)


def _set(space: Space, effect: Words) -> None:
    held = _list(space, effect[1])
    index = int(effect[2])
    space.places.drop(held[index], effect[1])
    held[index] = effect[3]
    space.places.add(effect[3], effect[1])


def _insert(space: Space, effect: Words) -> None:
    _, key, where, pivot, value = effect
    held = _list(space, key)
    held.insert(held.index(pivot) + (where.upper() == b"AFTER"), value)
    space.places.add(value, key)


def _replace(space: Space, key: bytes, held: deque[bytes], kept: list[bytes]) -> None:
    for value in held:
        space.places.drop(value, key)
    held.clear()
    held.extend(kept)
    for value in kept:
        space.places.add(value, key)
    space.tidy(key)


def _members(space: Space, key: bytes) -> set[bytes]:
    held = space.get(key)
    if held is None:
        held = set()
        space.put(key, held)
    if not isinstance(held, set):
        raise TypeError(f"{key!r} is no set")
    return held


def _join(space: Space, effect: Words) -> None:
    held = _members(space, effect[1])
    for member in effect[2:]:
        if member not in held:
            held.add(member)
            space.places.add(member, effect[1])


def _leave(space: Space, effect: Words) -> None:
    held = _members(space, effect[1])
    for member in effect[2:]:
        if member in held:
            held.remove(member)
            space.places.drop(member, effect[1])
    space.tidy(effect[1])


def _change_over(space: Space, effect: Words) -> None:
    _, source, target, member = effect
    _leave(space, (b"SREM", source, member))
    _join(space, (b"SADD", target, member))


CHANGES: Mapping[bytes, Callable[[Space, Words], None]] = {
    **dict.fromkeys((b"LPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX"), _push),
    **dict.fromkeys((b"LPOP", b"RPOP"), _pop),
    b"RPOPLPUSH": _rotate,
    b"LMOVE": _move,
    b"LREM": _remove,
    b"LTRIM": _trim,
    b"LSET": _set,
    b"LINSERT": _insert,
    b"SADD": _join,
    b"SREM": _leave,
    b"SMOVE": _change_over,
}
