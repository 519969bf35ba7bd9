"""Effects of commands on streams that are not the queue.

Such streams, for example logs and dead letters, are locations of items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from harness.patterns.fine.interpreter.keyspace.values import Entries, Space
from harness.patterns.fine.interpreter.transcript.commands import Words


def _stream(space: Space, key: bytes) -> Entries:
    entries = space.get(key)
    if entries is None:
        entries = Entries()
        space.put(key, entries)
    if not isinstance(entries, Entries):
        raise TypeError(f"{key!r} is no stream")
    return entries


def _add(space: Space, effect: Words) -> None:
    """Apply XADD.

    Its form is XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] limit [LIMIT count]] id field value ….
    """
    key, rest = effect[1], list(effect[2:])
    if rest[0].upper() == b"NOMKSTREAM":
        del rest[0]
    limit = _pop_limit(rest)
    entry, values = rest[0], tuple(rest[2::2])
    entries = _stream(space, key)
    entries[entry] = values
    for value in values:
        space.places.add(value, key, entry)
    if limit is not None:
        _trim_to(space, key, *limit)


def _pop_limit(words: list[bytes]) -> tuple[bytes, bytes] | None:
    """Remove the words that limit the length, and return the kind and the limit."""
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
    limit = _pop_limit(list(effect[2:]))
    if limit is not None:
        _trim_to(space, effect[1], *limit)


def _trim_to(space: Space, key: bytes, kind: bytes, limit: bytes) -> None:
    entries = _stream(space, key)
    if kind == b"MAXLEN":
        removed = list(entries)[: max(len(entries) - int(limit), 0)]
    else:
        removed = [entry for entry in entries if _parse_id(entry) < _parse_id(limit)]
    _remove_entries(space, key, removed)


def _delete(space: Space, effect: Words) -> None:
    _remove_entries(space, effect[1], effect[2:])


def _remove_entries(space: Space, key: bytes, entries: Iterable[bytes]) -> None:
    stream = _stream(space, key)
    for entry in entries:
        for value in stream.pop(entry, ()):
            space.places.drop(value, key, entry)


def _parse_id(entry: bytes) -> tuple[int, int]:
    stamp, _, number = entry.partition(b"-")
    return int(stamp), int(number or 0)


def _ignore(space: Space, effect: Words) -> None:
    """Ignore what groups have read, which moves nothing."""


CHANGES: Mapping[bytes, Callable[[Space, Words], None]] = {
    b"XADD": _add,
    b"XTRIM": _trim,
    b"XDEL": _delete,
    **dict.fromkeys((b"XGROUP", b"XCLAIM", b"XACK", b"XSETID"), _ignore),
}
