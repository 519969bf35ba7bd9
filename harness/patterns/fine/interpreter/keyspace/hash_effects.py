"""Effects on hashes and on sorted sets."""

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
    held = space.get(key)
    if held is None:
        held = Hash()
        space.put(key, held)
    if not isinstance(held, Hash):
        raise TypeError(f"{key!r} is no hash")
    return held


def _put(space: Space, key: bytes, field: bytes, value: bytes) -> None:
    held = _hash(space, key)
    if field in held:
        space.places.drop(held[field], key, field)
    else:
        space.places.add(field, key)
    held[field] = value
    held.ends.pop(field, None)
    space.places.add(value, key, field)
    space.places.note(Written(key, field, value))


def _set(space: Space, effect: Words) -> None:
    for field, value in zip(effect[2::2], effect[3::2], strict=True):
        _put(space, effect[1], field, value)


def _set_new(space: Space, effect: Words) -> None:
    if effect[2] not in _hash(space, effect[1]):
        _put(space, effect[1], effect[2], effect[3])


def _count(space: Space, effect: Words) -> None:
    """A counter, as of attempts: its field is no place where an item lies."""
    _, key, field, step = effect
    held = _hash(space, key)
    value = b"%d" % ((number(held.get(field, b"0")) or 0) + float(step))
    if field in held:
        _put(space, key, field, value)
    else:
        held[field] = value
        space.places.add(value, key, field)


def _unset(space: Space, effect: Words) -> None:
    key, held = effect[1], _hash(space, effect[1])
    for field in effect[2:]:
        value = held.pop(field, None)
        if value is not None:
            space.places.drop(value, key, field)
            space.places.drop(field, key)
            ended = held.ends.pop(field, None) is not None
            space.places.note(Gone(key, field) if ended else Dropped(key, field))
    space.tidy(key)


def _end_fields(space: Space, effect: Words) -> None:
    """HPEXPIREAT key ms … FIELDS n field …, however it was asked for."""
    _, key, until, *rest = effect
    held = _hash(space, key)
    for field in _fields(rest):
        if field in held:
            _end_field(space, key, field, int(until))


def _end_field(space: Space, key: bytes, field: bytes, until: int) -> None:
    held = _hash(space, key)
    held.ends[field] = until
    space.places.note(Timed(key, None, until, field, held[field]))


def _keep_fields(space: Space, effect: Words) -> None:
    """HPERSIST key FIELDS n field …"""
    for field in _fields(effect[2:]):
        _hash(space, effect[1]).ends.pop(field, None)


def _set_ending(space: Space, effect: Words) -> None:
    """HSETEX key [KEEPTTL | PXAT ms] FIELDS n field value …"""
    _, key, *rest = effect
    held, words = _hash(space, key), [word.upper() for word in rest[: _start(rest)]]
    until = int(words[words.index(b"PXAT") + 1]) if b"PXAT" in words else None
    pairs = rest[_start(rest) + 2 :]
    for field, value in zip(pairs[::2], pairs[1::2], strict=True):
        ends = held.ends.get(field) if b"KEEPTTL" in words else until
        _put(space, key, field, value)
        if ends is not None:
            _end_field(space, key, field, ends)


def _start(words: Sequence[bytes]) -> int:
    return next(at for at, word in enumerate(words) if word.upper() == b"FIELDS")


def _fields(words: Sequence[bytes]) -> Sequence[bytes]:
    return words[_start(words) + 2 :]


# -- sorted sets ----------------------------------------------------------------------------------


def _zset(space: Space, key: bytes) -> Zset:
    held = space.get(key)
    if held is None:
        held = Zset()
        space.put(key, held)
    if not isinstance(held, Zset):
        raise TypeError(f"{key!r} is no sorted set")
    return held


def _score(space: Space, key: bytes, member: bytes, score: float) -> None:
    if _zset(space, key).put(member, score):
        space.places.add(member, key)
    space.places.note(Scored(key, member, score))


def _zadd(space: Space, effect: Words) -> None:
    key, rest = effect[1], list(effect[2:])
    options = set()
    while rest and rest[0].upper() in _OPTIONS:
        options.add(rest.pop(0).upper())
    held = _zset(space, key)
    for word, member in zip(rest[::2], rest[1::2], strict=True):
        old, score = held.score(member), float(word)
        if b"INCR" in options:
            score += old or 0
        if _allowed(options, old, score):
            _score(space, key, member, score)
    space.tidy(key)


def _allowed(options: set[bytes], old: float | None, new: float) -> bool:
    if old is None:
        return b"XX" not in options
    return not (
        b"NX" in options or (b"GT" in options and new <= old) or (b"LT" in options and new >= old)
    )


def _zincr(space: Space, effect: Words) -> None:
    _, key, step, member = effect
    _score(space, key, member, (_zset(space, key).score(member) or 0.0) + float(step))


def _drop(space: Space, key: bytes, members: Iterable[bytes]) -> None:
    held = _zset(space, key)
    for member in members:
        if held.remove(member):
            space.places.drop(member, key)
            space.places.note(Dropped(key, member))
    space.tidy(key)


def _zrem(space: Space, effect: Words) -> None:
    _drop(space, effect[1], effect[2:])


def _zpop(space: Space, effect: Words) -> None:
    count = int(effect[2]) if len(effect) > 2 else 1
    held = _zset(space, effect[1])
    _drop(space, effect[1], held.ends(count, highest=name(effect) == b"ZPOPMAX"))


def _zrem_by_score(space: Space, effect: Words) -> None:
    _, key, least, most = effect
    held = _zset(space, key)
    scores = {one: held.score(one) or 0.0 for one in held}
    gone = [one for one, score in scores.items() if _within(score, least, most)]
    _drop(space, key, gone)


def _within(score: float, least: bytes, most: bytes) -> bool:
    """Whether a score is between two limits; `(` before a limit leaves out the limit itself."""
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
    _drop(space, key, ranked[max(start, 0) : max(stop + 1, 0)])


CHANGES: Mapping[bytes, Callable[[Space, Words], None]] = {
    b"HSET": _set,
    b"HMSET": _set,
    b"HSETNX": _set_new,
    b"HINCRBY": _count,
    b"HDEL": _unset,
    b"HPEXPIREAT": _end_fields,
    b"HPERSIST": _keep_fields,
    b"HSETEX": _set_ending,
    b"ZADD": _zadd,
    b"ZINCRBY": _zincr,
    b"ZREM": _zrem,
    b"ZPOPMIN": _zpop,
    b"ZPOPMAX": _zpop,
    b"ZREMRANGEBYSCORE": _zrem_by_score,
    b"ZREMRANGEBYRANK": _zrem_by_rank,
}
