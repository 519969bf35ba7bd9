"""Effects of commands on hashes and on sorted sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.patterns.fine.interpreter.keyspace.locations import (
    Dropped,
    Gone,
    Scored,
    Timed,
    Written,
)
from harness.patterns.fine.interpreter.keyspace.values import Hash, Space, Zset
from harness.patterns.fine.interpreter.transcript.commands import Words, name
from harness.patterns.fine.interpreter.transcript.time_values import number

_OPTIONS = frozenset((b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"))


def _hash(space: Space, key: bytes) -> Hash:
    fields = space.get(key)
    if fields is None:
        fields = Hash()
        space.put(key, fields)
    if not isinstance(fields, Hash):
        raise TypeError(f"{key!r} is no hash")
    return fields


def _put(space: Space, key: bytes, field: bytes, value: bytes) -> None:
    fields = _hash(space, key)
    if field in fields:
        space.places.drop(fields[field], key, field)
    else:
        space.places.add(field, key)
    fields[field] = value
    fields.ends.pop(field, None)
    space.places.add(value, key, field)
    space.places.note(Written(key, field, value))


def _set(space: Space, effect: Words) -> None:
    for field, value in zip(effect[2::2], effect[3::2], strict=True):
        _put(space, effect[1], field, value)


def _set_if_new(space: Space, effect: Words) -> None:
    if effect[2] not in _hash(space, effect[1]):
        _put(space, effect[1], effect[2], effect[3])


def _increment(space: Space, effect: Words) -> None:
    """Increment a counter, such as one of attempts; its field is not a location of an item."""
    _, key, field, step = effect
    fields = _hash(space, key)
    value = b"%d" % ((number(fields.get(field, b"0")) or 0) + float(step))
    if field in fields:
        _put(space, key, field, value)
    else:
        fields[field] = value
        space.places.add(value, key, field)


def _delete_fields(space: Space, effect: Words) -> None:
    key, fields = effect[1], _hash(space, effect[1])
    for field in effect[2:]:
        value = fields.pop(field, None)
        if value is not None:
            space.places.drop(value, key, field)
            space.places.drop(field, key)
            expiring = fields.ends.pop(field, None) is not None
            space.places.note(Gone(key, field) if expiring else Dropped(key, field))
    space.tidy(key)


def _expire_fields(space: Space, effect: Words) -> None:
    """Apply HPEXPIREAT key ms … FIELDS n field …, whichever command the client sent."""
    _, key, until, *rest = effect
    fields = _hash(space, key)
    for field in _fields(rest):
        if field in fields:
            _expire_field(space, key, field, int(until))


def _expire_field(space: Space, key: bytes, field: bytes, until: int) -> None:
    fields = _hash(space, key)
    fields.ends[field] = until
    space.places.note(Timed(key, None, until, field, fields[field]))


def _persist_fields(space: Space, effect: Words) -> None:
    """Apply HPERSIST key FIELDS n field …."""
    for field in _fields(effect[2:]):
        _hash(space, effect[1]).ends.pop(field, None)


def _set_with_expiry(space: Space, effect: Words) -> None:
    """Apply HSETEX key [KEEPTTL | PXAT ms] FIELDS n field value …."""
    _, key, *rest = effect
    fields, options = _hash(space, key), [word.upper() for word in rest[: _fields_index(rest)]]
    until = int(options[options.index(b"PXAT") + 1]) if b"PXAT" in options else None
    pairs = rest[_fields_index(rest) + 2 :]
    for field, value in zip(pairs[::2], pairs[1::2], strict=True):
        ends = fields.ends.get(field) if b"KEEPTTL" in options else until
        _put(space, key, field, value)
        if ends is not None:
            _expire_field(space, key, field, ends)


def _fields_index(words: Sequence[bytes]) -> int:
    return next(at for at, word in enumerate(words) if word.upper() == b"FIELDS")


def _fields(words: Sequence[bytes]) -> Sequence[bytes]:
    return words[_fields_index(words) + 2 :]


# -- sorted sets ----------------------------------------------------------------------------------


def _zset(space: Space, key: bytes) -> Zset:
    members = space.get(key)
    if members is None:
        members = Zset()
        space.put(key, members)
    if not isinstance(members, Zset):
        raise TypeError(f"{key!r} is no sorted set")
    return members


def _set_score(space: Space, key: bytes, member: bytes, score: float) -> None:
    if _zset(space, key).put(member, score):
        space.places.add(member, key)
    space.places.note(Scored(key, member, score))


def _zadd(space: Space, effect: Words) -> None:
    key, rest = effect[1], list(effect[2:])
    options = set()
    while rest and rest[0].upper() in _OPTIONS:
        options.add(rest.pop(0).upper())
    members = _zset(space, key)
    for word, member in zip(rest[::2], rest[1::2], strict=True):
        old, score = members.score(member), float(word)
        if b"INCR" in options:
            score += old or 0
        if _allowed(options, old, score):
            _set_score(space, key, member, score)
    space.tidy(key)


def _allowed(options: set[bytes], old: float | None, new: float) -> bool:
    if old is None:
        return b"XX" not in options
    return not (
        b"NX" in options or (b"GT" in options and new <= old) or (b"LT" in options and new >= old)
    )


def _zincr(space: Space, effect: Words) -> None:
    _, key, step, member = effect
    _set_score(space, key, member, (_zset(space, key).score(member) or 0.0) + float(step))


def _remove_members(space: Space, key: bytes, members: Iterable[bytes]) -> None:
    sorted_set = _zset(space, key)
    for member in members:
        if sorted_set.remove(member):
            space.places.drop(member, key)
            space.places.note(Dropped(key, member))
    space.tidy(key)


def _zrem(space: Space, effect: Words) -> None:
    _remove_members(space, effect[1], effect[2:])


def _zpop(space: Space, effect: Words) -> None:
    count = int(effect[2]) if len(effect) > 2 else 1
    members = _zset(space, effect[1])
    _remove_members(space, effect[1], members.ends(count, highest=name(effect) == b"ZPOPMAX"))


def _zrem_by_score(space: Space, effect: Words) -> None:
    _, key, least, most = effect
    members = _zset(space, key)
    scores = {member: members.score(member) or 0.0 for member in members}
    removed = [member for member, score in scores.items() if _within(score, least, most)]
    _remove_members(space, key, removed)


def _within(score: float, least: bytes, most: bytes) -> bool:
    """Return whether a score is between two limits; `(` before a limit excludes it."""
    low, high = float(least.lstrip(b"(")), float(most.lstrip(b"("))
    return (
        low <= score <= high
        and not (score == low and least.startswith(b"("))
        and not (score == high and most.startswith(b"("))
    )


def _zrem_by_rank(space: Space, effect: Words) -> None:
    _, key, first, last = effect
    ranked = list(_zset(space, key))
    start, stop = (int(word) + len(ranked) * (int(word) < 0) for word in (first, last))
    _remove_members(space, key, ranked[max(start, 0) : max(stop + 1, 0)])


CHANGES: Mapping[bytes, Callable[[Space, Words], None]] = {
    b"HSET": _set,
    b"HMSET": _set,
    b"HSETNX": _set_if_new,
    b"HINCRBY": _increment,
    b"HDEL": _delete_fields,
    b"HPEXPIREAT": _expire_fields,
    b"HPERSIST": _persist_fields,
    b"HSETEX": _set_with_expiry,
    b"ZADD": _zadd,
    b"ZINCRBY": _zincr,
    b"ZREM": _zrem,
    b"ZPOPMIN": _zpop,
    b"ZPOPMAX": _zpop,
    b"ZREMRANGEBYSCORE": _zrem_by_score,
    b"ZREMRANGEBYRANK": _zrem_by_rank,
}
