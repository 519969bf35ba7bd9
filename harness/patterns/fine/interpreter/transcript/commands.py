"""Facts about Redis commands: how they are replicated, and which block, count or read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Words = tuple[bytes, ...]


class Elsewhere(tuple[bytes, ...]):
    """An effect in a database other than 0, which holds the queue."""

    db: int

    @classmethod
    def of(cls, db: int, words: Words) -> Elsewhere:
        effect = cls(words)
        effect.db = db
        return effect


#: Prefix of the names of keys in another database.
DATABASE = b"database %d: "
_ONLY_KEYS = frozenset((b"DEL", b"UNLINK"))
_KEY_VALUE_PAIRS = frozenset((b"MSET", b"MSETNX"))
_TWO_KEYS = frozenset((b"RENAME", b"RENAMENX", b"RPOPLPUSH", b"LMOVE", b"SMOVE"))


def placed(effect: Words) -> Words:
    """Return an effect with the database in its key names; the keyspace knows no databases."""
    if not isinstance(effect, Elsewhere):
        return effect
    prefix, command = DATABASE % effect.db, name(effect)
    if command == b"FLUSHDB":
        return effect[0], prefix
    if command in _ONLY_KEYS:
        return effect[0], *(prefix + key for key in effect[1:])
    if command in _KEY_VALUE_PAIRS:
        pairs = zip(effect[1::2], effect[2::2], strict=True)
        return effect[0], *(word for key, value in pairs for word in (prefix + key, value))
    keys = 2 if command in _TWO_KEYS else 1
    return effect[0], *(prefix + key for key in effect[1 : keys + 1]), *effect[keys + 1 :]


def name(words: Words) -> bytes:
    """Return a command's name in capitals."""
    return words[0].upper() if words else b""


def shown(word: bytes) -> str:
    """Return a word as readable text."""
    return word.decode(errors="backslashreplace")


def _command_set(names: str) -> frozenset[bytes]:
    return frozenset(names.encode().split())


#: Effects whose words differ from those of the command → the commands that Redis replicates so.
_REPLICATED_FROM = {
    effect.encode(): _command_set(names)
    for effect, names in {
        "LMOVE": "LMOVE BLMOVE",
        "RPOPLPUSH": "RPOPLPUSH BRPOPLPUSH",
        "LPOP": "LPOP BLPOP LMPOP BLMPOP",
        "RPOP": "RPOP BRPOP LMPOP BLMPOP",
        "ZPOPMIN": "ZPOPMIN BZPOPMIN ZMPOP BZMPOP",
        "ZPOPMAX": "ZPOPMAX BZPOPMAX ZMPOP BZMPOP",
        "SET": "SET SETEX PSETEX SETNX GETSET INCRBYFLOAT",
        "PEXPIREAT": "EXPIRE PEXPIRE EXPIREAT PEXPIREAT GETEX",
        "PERSIST": "PERSIST GETEX",
        "DEL": "DEL UNLINK GETDEL EXPIRE PEXPIRE EXPIREAT PEXPIREAT GETEX",
        "UNLINK": "DEL UNLINK GETDEL EXPIRE PEXPIRE EXPIREAT PEXPIREAT GETEX",
        "SREM": "SREM SPOP",
        "HSET": "HSET HINCRBYFLOAT HSETEX",
        "HDEL": "HDEL HGETDEL HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HGETEX",
        "HPEXPIREAT": "HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HGETEX",
        "HPERSIST": "HPERSIST HGETEX",
        "HSETEX": "HSETEX",
        "XADD": "XADD",
        "XACK": "XACK XACKDEL",
        "XDEL": "XDEL XACKDEL XDELEX",
        "XCLAIM": "XCLAIM XAUTOCLAIM XREADGROUP",
        "XGROUP": "XGROUP XREADGROUP XAUTOCLAIM XCLAIM",
    }.items()
}

#: Commands that remove an element and answer with it.
POPS = _command_set(
    "LPOP RPOP BLPOP BRPOP LMPOP BLMPOP LMOVE BLMOVE RPOPLPUSH BRPOPLPUSH "
    "ZPOPMIN ZPOPMAX BZPOPMIN BZPOPMAX ZMPOP BZMPOP SPOP"
)
#: Commands that wait; readers of streams wait only with BLOCK.
_BLOCKING = _command_set(
    "BLPOP BRPOP BLMPOP BLMOVE BRPOPLPUSH BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF"
)
_STREAM_READERS = _command_set("XREAD XREADGROUP")
#: Commands that changed nothing when the answer is empty.
_NO_EFFECT_IF_EMPTY = POPS | _command_set(
    "LREM ZREM SREM HDEL XACK XDEL XACKDEL DEL UNLINK SMOVE SETNX SET HSETNX EXPIRE PEXPIRE "
    "EXPIREAT PEXPIREAT PERSIST RENAMENX LPUSHX RPUSHX ZREMRANGEBYSCORE ZREMRANGEBYRANK "
    "ZREMRANGEBYLEX GETDEL XREADGROUP XCLAIM"
)
#: Commands that remove the elements that they name.
REMOVERS = _command_set("LREM ZREM SREM HDEL XACK XDEL XACKDEL")
#: Commands that read a count.
COUNTS = _command_set("LLEN ZCARD SCARD HLEN XLEN EXISTS ZCOUNT XPENDING")
#: Number of words of an XPENDING that is about the complete group.
_SUMMARY_WORDS = 3
#: Commands that read a key's content, or whether the key exists; some take several keys.
_READING = _command_set(
    "GET GETEX GETDEL STRLEN EXISTS TTL PTTL EXPIRETIME PEXPIRETIME HGET HMGET HGETALL HVALS HSCAN "
    "HEXISTS HGETDEL HGETEX HTTL HPTTL ZSCORE ZMSCORE ZRANGE ZRANGEBYSCORE ZREVRANGE "
    "ZREVRANGEBYSCORE ZCOUNT ZSCAN ZREMRANGEBYSCORE"
)
_READING_SEVERAL = _command_set("MGET EXISTS")
#: Commands that read elements of a sorted set.
_BY_SCORE = _command_set("ZRANGEBYSCORE ZRANGE ZREVRANGEBYSCORE")
#: Commands that run other commands, which MONITOR shows after them.
SCRIPTS = _command_set("EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO")
#: Commands without a reply of their own.
UNANSWERED = _command_set(
    "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE SYNC PSYNC"
)


def is_blocking(words: Words) -> bool:
    """Return whether the answer may come late: with the first element, or after a timeout."""
    if name(words) in _STREAM_READERS:
        return b"BLOCK" in (word.upper() for word in words)
    return name(words) in _BLOCKING


def counts(words: Words) -> bool:
    """Return whether a command asks for a count; the long XPENDING asks for single entries."""
    return name(words) in COUNTS and (name(words) != b"XPENDING" or len(words) <= _SUMMARY_WORDS)


def reads(words: Words) -> Words:
    """Return the keys whose content or existence a command reads."""
    if name(words) in _READING_SEVERAL:
        return words[1:]
    return words[1:2] if name(words) in _READING else ()


def sources(words: Words) -> Words:
    """Return the keys in which a command searches for an element to take."""
    if name(words) in POPS:
        several = name(words).startswith((b"BL", b"BR", b"BZ")) and b"MOVE" not in name(words)
        return words[1:-1] if several else words[1:2]
    return words[1:2] if name(words) in _BY_SCORE or name(words) == b"LRANGE" else ()


def removes(words: Words) -> bool:
    """Return whether a command removes an element, or has one assigned."""
    return name(words) in POPS or name(words) == b"XREADGROUP"


def had_no_effect(words: Words, value: Any) -> bool:
    """Return whether this answer means that the command changed nothing."""
    return name(words) in _NO_EFFECT_IF_EMPTY and not value and value != b""


def may_replicate_as(line: Words, effect: Words) -> bool:
    """Return whether Redis may replicate a command, as MONITOR shows it, as `effect`."""
    if line[1:] == effect[1:] and name(line) == name(effect):
        return True
    commands = _REPLICATED_FROM.get(name(effect))
    if commands is None or name(line) not in commands or len(effect) < 2:
        return False
    if name(effect) == b"SET":
        return effect[1:3] == line[1:3] or (effect[1] in line and effect[2] in line)
    if name(effect) in (b"LMOVE", b"RPOPLPUSH"):
        return effect[1:3] == line[1:3]
    if name(effect) == b"XADD":
        return effect[1] == line[1] and effect[-2:] == line[-2:]
    return effect[2 if name(effect) == b"XGROUP" else 1] in line


def byte_strings(value: Any) -> Iterator[bytes]:
    """Yield all byte strings in an answer, at any depth."""
    waiting = [value]
    while waiting:
        element = waiting.pop()
        if isinstance(element, bytes):
            yield element
        elif isinstance(element, dict):
            waiting += [*element, *element.values()]
        elif isinstance(element, (list, tuple)):
            waiting += element
