"""Effects of commands on lists and on sets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice

from harness.patterns.fine.interpreter.keyspace.values import Space
from harness.patterns.fine.interpreter.transcript.commands import Words, name


def _list(space: Space, key: bytes) -> deque[bytes]:
    elements = space.get(key)
    if elements is None:
        elements = deque()
        space.put(key, elements)
    if not isinstance(elements, deque):
        raise TypeError(f"{key!r} is no list")
    return elements


def _push(space: Space, effect: Words) -> None:
    key = effect[1]
    if name(effect).endswith(b"X") and space.get(key) is None:
        return
    for value in effect[2:]:
        _put(space, key, value, left=name(effect).startswith(b"L"))


def _put(space: Space, key: bytes, value: bytes, *, left: bool) -> None:
    elements = _list(space, key)
    if left:
        elements.appendleft(value)
    else:
        elements.append(value)
    space.places.add(value, key)


def _take(space: Space, key: bytes, *, left: bool) -> bytes:
    elements = _list(space, key)
    value = elements.popleft() if left else elements.pop()
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
    _, source, target, source_end, target_end = effect
    value = _take(space, source, left=source_end.upper() == b"LEFT")
    _put(space, target, value, left=target_end.upper() == b"LEFT")


def _remove(space: Space, effect: Words) -> None:
    _, key, count, value = effect
    elements, limit = _list(space, key), int(count)
    for _ in range(min(elements.count(value), abs(limit) or len(elements))):
        if limit < 0:
            elements.reverse()
        elements.remove(value)
        if limit < 0:
            elements.reverse()
        space.places.drop(value, key)
    space.tidy(key)


def _trim(space: Space, effect: Words) -> None:
    key, first, last = effect[1], int(effect[2]), int(effect[3])
    elements = _list(space, key)
    length = len(elements)
    first, last = max(first + length * (first < 0), 0), last + length * (last < 0)
    kept = list(islice(elements, first, max(last + 1, first)))
    _replace(space, key, elements, kept)


def _set(space: Space, effect: Words) -> None:
    elements = _list(space, effect[1])
    index = int(effect[2])
    space.places.drop(elements[index], effect[1])
    elements[index] = effect[3]
    space.places.add(effect[3], effect[1])


def _insert(space: Space, effect: Words) -> None:
    _, key, position, pivot, value = effect
    elements = _list(space, key)
    elements.insert(elements.index(pivot) + (position.upper() == b"AFTER"), value)
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
    members = space.get(key)
    if members is None:
        members = set()
        space.put(key, members)
    if not isinstance(members, set):
        raise TypeError(f"{key!r} is no set")
    return members


def _add_members(space: Space, effect: Words) -> None:
    members = _members(space, effect[1])
    for member in effect[2:]:
        if member not in members:
            members.add(member)
            space.places.add(member, effect[1])


def _remove_members(space: Space, effect: Words) -> None:
    members = _members(space, effect[1])
    for member in effect[2:]:
        if member in members:
            members.remove(member)
            space.places.drop(member, effect[1])
    space.tidy(effect[1])


def _move_member(space: Space, effect: Words) -> None:
    _, source, target, member = effect
    _remove_members(space, (b"SREM", source, member))
    _add_members(space, (b"SADD", target, member))


CHANGES: Mapping[bytes, Callable[[Space, Words], None]] = {
    **dict.fromkeys((b"LPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX"), _push),
    **dict.fromkeys((b"LPOP", b"RPOP"), _pop),
    b"RPOPLPUSH": _rotate,
    b"LMOVE": _move,
    b"LREM": _remove,
    b"LTRIM": _trim,
    b"LSET": _set,
    b"LINSERT": _insert,
    b"SADD": _add_members,
    b"SREM": _remove_members,
    b"SMOVE": _move_member,
}
