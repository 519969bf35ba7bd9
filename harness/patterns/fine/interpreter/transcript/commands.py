"""What is to be known of Redis' commands: how they are replicated, which of them wait or ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Words = tuple[bytes, ...]


class Elsewhere(tuple[bytes, ...]):
    """An effect in another database than 0, which is the queue's."""

    db: int

    @classmethod
    def of(cls, db: int, words: Words) -> Elsewhere:
        effect = cls(words)
        effect.db = db
        return effect


#: How the names of keys begin that are in another database.
DATABASE = b"database %d: "
_NAMES_ALL = frozenset((b"DEL", b"UNLINK"))
_NAMES_PAIRS = frozenset((b"MSET", b"MSETNX"))
_NAMES_TWO = frozenset((b"RENAME", b"RENAMENX", b"RPOPLPUSH", b"LMOVE", b"SMOVE"))


def placed(effect: Words) -> Words:
    """An effect with the names of its keys as the keyspace has them, which knows no databases."""
    if not isinstance(effect, Elsewhere):
        return effect
    before, what = DATABASE % effect.db, name(effect)
    if what == b"FLUSHDB":
        return effect[0], before
    if what in _NAMES_ALL:
        return effect[0], *(before + key for key in effect[1:])
    if what in _NAMES_PAIRS:
        pairs = zip(effect[1::2], effect[2::2], strict=True)
        return effect[0], *(word for key, value in pairs for word in (before + key, value))
    keys = 2 if what in _NAMES_TWO else 1
    return effect[0], *(before + key for key in effect[1 : keys + 1]), *effect[keys + 1 :]


def name(words: Words) -> bytes:
    """A command's name in capitals."""
    return words[0].upper() if words else b""


def shown(word: bytes) -> str:
    """A word for a reader."""
    return word.decode(errors="backslashreplace")


def _set(names: str) -> frozenset[bytes]:
    return frozenset(names.encode().split())


#: Effects whose words are not those of the command: which commands are replicated so.
_SOURCES = {
    effect.encode(): _set(names)
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

#: They take something away and answer with it.
POPS = _set(
    "LPOP RPOP BLPOP BRPOP LMPOP BLMPOP LMOVE BLMOVE RPOPLPUSH BRPOPLPUSH "
    "ZPOPMIN ZPOPMAX BZPOPMIN BZPOPMAX ZMPOP BZMPOP SPOP"
)
#: Without BLOCK, readers of streams do not wait.
_WAITING = _set("BLPOP BRPOP BLMPOP BLMOVE BRPOPLPUSH BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF")
_READERS = _set("XREAD XREADGROUP")
#: They have changed nothing when they answer with nothing.
_VAIN = POPS | _set(
    "LREM ZREM SREM HDEL XACK XDEL XACKDEL DEL UNLINK SMOVE SETNX SET HSETNX EXPIRE PEXPIRE "
    "EXPIREAT PEXPIREAT PERSIST RENAMENX LPUSHX RPUSHX ZREMRANGEBYSCORE ZREMRANGEBYRANK "
    "ZREMRANGEBYLEX GETDEL XREADGROUP XCLAIM"
)
#: They take away what they name.
REMOVERS = _set("LREM ZREM SREM HDEL XACK XDEL XACKDEL")
#: They read how much there is.
COUNTS = _set("LLEN ZCARD SCARD HLEN XLEN EXISTS ZCOUNT XPENDING")
#: Words of an XPENDING that is about the whole group.
_SUMMARY = 3
#: They read what a key holds, or whether it is there; some of several keys.
_READING = _set(
    "GET GETEX GETDEL STRLEN EXISTS TTL PTTL EXPIRETIME PEXPIRETIME HGET HMGET HGETALL HVALS HSCAN "
    "HEXISTS HGETDEL HGETEX HTTL HPTTL ZSCORE ZMSCORE ZRANGE ZRANGEBYSCORE ZREVRANGE "
    "ZREVRANGEBYSCORE ZCOUNT ZSCAN ZREMRANGEBYSCORE"
)
_READING_SEVERAL = _set("MGET EXISTS")
#: They read what lies in a list or a sorted set.
_BY_SCORE = _set("ZRANGEBYSCORE ZRANGE ZREVRANGEBYSCORE")
#: What a worker says with them runs other commands, which MONITOR shows after them.
SCRIPTS = _set("EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO")
#: They have no reply of their own.
UNANSWERED = _set(
    "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE SYNC PSYNC"
)


def is_blocking(words: Words) -> bool:
    """Whether the answer may come late: when there is something, or a time is up."""
    if name(words) in _READERS:
        return b"BLOCK" in (word.upper() for word in words)
    return name(words) in _WAITING


def counts(words: Words) -> bool:
    """Whether it asks how much there is; in its long form XPENDING asks for single entries."""
    return name(words) in COUNTS and (name(words) != b"XPENDING" or len(words) <= _SUMMARY)


def reads(words: Words) -> Words:
    """The keys of which it reads the content, or whether they are there."""
    if name(words) in _READING_SEVERAL:
        return words[1:]
    return words[1:2] if name(words) in _READING else ()


def sources(words: Words) -> Words:
    """The keys in which it looks for something to take."""
    if name(words) in POPS:
        several = name(words).startswith((b"BL", b"BR", b"BZ")) and b"MOVE" not in name(words)
        return words[1:-1] if several else words[1:2]
    return words[1:2] if name(words) in _BY_SCORE or name(words) == b"LRANGE" else ()


def removes(words: Words) -> bool:
    """Whether it takes something away, or has it assigned."""
    return name(words) in POPS or name(words) == b"XREADGROUP"


def had_no_effect(words: Words, value: Any) -> bool:
    """Whether this answer says that the command has changed nothing."""
    return name(words) in _VAIN and not value and value != b""


def may_replicate_as(line: Words, effect: Words) -> bool:
    """Whether a command, as MONITOR shows it, may be replicated as `effect`."""
    if line[1:] == effect[1:] and name(line) == name(effect):
        return True
    sources = _SOURCES.get(name(effect))
    if sources is None or name(line) not in sources or len(effect) < 2:
        return False
    if name(effect) == b"SET":
        return effect[1:3] == line[1:3] or (effect[1] in line and effect[2] in line)
    if name(effect) in (b"LMOVE", b"RPOPLPUSH"):
        return effect[1:3] == line[1:3]
    if name(effect) == b"XADD":
        return effect[1] == line[1] and effect[-2:] == line[-2:]
    return effect[2 if name(effect) == b"XGROUP" else 1] in line


def byte_strings(value: Any) -> Iterator[bytes]:
    """All byte strings in an answer, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, bytes):
            yield one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, (list, tuple)):
            waiting += one
