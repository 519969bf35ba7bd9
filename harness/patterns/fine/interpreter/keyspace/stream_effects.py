"""Effects on streams that are no queue: places where items lie, as logs and dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from harness.patterns.fine.interpreter.keyspace.values import Entries, Space
from harness.patterns.fine.interpreter.transcript.commands import Words


def _stream(space: Space, key: bytes) -> Entries:
    held = space.get(key)
    if held is None:
        held = Entries()
        space.put(key, held)
    if not isinstance(held, Entries):
        raise TypeError(f"{key!r} is no stream")
    return held


def _add(space: Space, effect: Words) -> None:
    """XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] limit [LIMIT count]] id field value …"""
    key, rest = effect[1], list(effect[2:])
    if rest[0].upper() == b"NOMKSTREAM":
        del rest[0]
    limit = _limit(rest)
    entry, values = rest[0], tuple(rest[2::2])
    held = _stream(space, key)
    held[entry] = values
    for value in values:
        space.places.add(value, key, entry)
    if limit is not None:
        _cut(space, key, *limit)


def _limit(words: list[bytes]) -> tuple[bytes, bytes] | None:
    """Take off the words that say how much is kept."""
    if words[0].upper() not in (b"MAXLEN", b"MINID"):
        return None
    kind = words.pop(0).upper()
    if words[0] in (b"=", b"~"):
        del words[0]
    limit = words.pop(0)
    if words and words[0].upper() == b"LIMIT":
        del words[:2]
    return kind, limit


def _trim(space: Space, effect: Words) -> None:
    limit = _limit(list(effect[2:]))
    if limit is not None:
        _cut(space, effect[1], *limit)


def _cut(space: Space, key: bytes, kind: bytes, limit: bytes) -> None:
    held = _stream(space, key)
    if kind == b"MAXLEN":
        gone = list(held)[: max(len(held) - int(limit), 0)]
    else:
        gone = [entry for entry in held if _id(entry) < _id(limit)]
    _drop(space, key, gone)


def _delete(space: Space, effect: Words) -> None:
    _drop(space, effect[1], effect[2:])


def _drop(space: Space, key: bytes, entries: Iterable[bytes]) -> None:
    held = _stream(space, key)
    for entry in entries:
        for value in held.pop(entry, ()):
            space.places.drop(value, key, entry)


def _id(entry: bytes) -> tuple[int, int]:
    stamp, _, number = entry.partition(b"-")
    return int(stamp), int(number or 0)


def _nothing(space: Space, effect: Words) -> None:
    """What groups have read, which moves nothing."""


CHANGES: Mapping[bytes, Callable[[Space, Words], None]] = {
    b"XADD": _add,
    b"XTRIM": _trim,
    b"XDEL": _delete,
    **dict.fromkeys((b"XGROUP", b"XCLAIM", b"XACK", b"XSETID"), _nothing),
}
