"""What Redis holds after what it replicates; a real one was asked what that is."""

from __future__ import annotations

from collections import deque

import pytest

from harness.patterns.fine.interpreter.keyspace.keyspace import Keyspace
from harness.patterns.fine.interpreter.keyspace.locations import (
    Dropped,
    Gone,
    Scored,
    Timed,
    Written,
)
from harness.patterns.fine.interpreter.keyspace.values import Value, Zset
from harness.patterns.fine.interpreter.transcript.commands import (
    had_no_effect,
    is_blocking,
    may_replicate_as,
)
from harness.suites.unit.dsl.redis_transcript import words

CASES = {
    "RPUSH k a b; LPUSH k c d": "d c a b",
    "LPUSHX k a": None,
    "RPUSH k a; RPUSHX k b": "a b",
    "RPUSH k a b c d; LPOP k; RPOP k 2": "b",
    "RPUSH k a; LPOP k 5": None,
    "RPUSH k a b a c a; LREM k 2 a": "b c a",
    "RPUSH k a b a c a; LREM k -2 a": "a b c",
    "RPUSH k a b a; LREM k 0 a": "b",
    "RPUSH k a b c d; LTRIM k 1 -2": "b c",
    "RPUSH k a b; LTRIM k 5 9": None,
    "RPUSH k a b; LSET k -1 c": "a c",
    "RPUSH k a b; LINSERT k AFTER a x; LINSERT k BEFORE a y": "y a x b",
    "RPUSH s a b; RPOPLPUSH s k": "b",
    "RPUSH k a b c; LMOVE k k RIGHT LEFT": "c a b",
    "RPUSH s a b; LMOVE s k left right": "a",
    "SADD k b a a; SREM k b": "a",
    "SADD s a; SMOVE s k a": "a",
    "HSET k f 1 g 2; HSETNX k f 9; HDEL k g; HINCRBY k f 2": "f=3",
    "ZADD k 2 b 1 a 2 aa": "a aa b",
    "ZADD k 1 a; ZADD k NX 5 a 5 b; ZADD k XX 7 c; ZADD k GT 0 a": "a b",
    "ZADD k 1 a 2 b; ZADD k INCR 5 a": "b a",
    "ZADD k 1 a 2 b; ZINCRBY k 5 a; ZPOPMAX k": "b",
    "ZADD k 1 a 2 b 3 c; ZPOPMIN k 2": "c",
    "ZADD k 1 a 2 b 3 c; ZREMRANGEBYSCORE k (1 +inf": "a",
    "ZADD k 1 a 2 b 3 c; ZREMRANGEBYSCORE k -inf (3": "c",
    "ZADD k 1 a 2 b 3 c; ZREMRANGEBYRANK k 0 -2": "c",
    "ZADD k 1 a; ZREM k a": None,
    "SET k a; SET k b": "b",
    "MSET k a j b; RENAME j k": "b",
    "RPUSH k a; SET k b; DEL k": None,
    "RPUSH k a; FLUSHALL": None,
}


def shown(value: Value | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return " ".join(f"{field.decode()}={held.decode()}" for field, held in value.items())
    return " ".join(one.decode() for one in value)


@pytest.mark.parametrize(("effects", "content"), CASES.items(), ids=CASES)
def test_effects_are_followed(effects: str, content: str | None) -> None:
    space = Keyspace()
    for effect in effects.split("; "):
        assert space.apply(words(effect))
    value = space.get(b"k")
    assert shown(value) == content
    if isinstance(value, (deque, set, Zset)):
        for one in set(value):
            assert space.places.of(one)[b"k", b""] == list(value).count(one)
    if value is None:
        assert not any(key == b"k" for one in b"abcd" for key, _ in space.places.of(bytes([one])))


def test_the_index_knows_what_was_where_before_a_step() -> None:
    space = Keyspace()
    space.apply(words("RPUSH q a"))
    space.places.changes()
    for effect in ("LPOP q", "HSET items t a", "HSET items t b"):
        space.apply(words(effect))
    before, notes = space.places.changes()
    assert before == {b"a": {(b"q", b""): 1}, b"t": {}, b"b": {}}
    assert notes == [Written(b"items", b"t", b"a"), Written(b"items", b"t", b"b")]
    assert space.places.of(b"a") == {}
    assert space.places.of(b"b") == {(b"items", b"t"): 1}
    assert space.places.changes() == ({}, [])


def test_ends_and_scores_are_noted() -> None:
    space = Keyspace()
    for effect in (
        "SET k v PXAT 5000",
        "SET k w KEEPTTL",
        "PEXPIREAT k 6000",
        "PERSIST k",
        "DEL k",
        "SET k v PXAT 7000",
        "DEL k",
        "ZADD z 3 m",
        "HSET h f 4.5",
        "HPEXPIREAT h 8000 FIELDS 1 f",
        "HDEL h f",
        "ZREM z m",
    ):
        space.apply(words(effect))
    assert space.places.changes()[1] == [
        Timed(b"k", b"v", 5000),
        Timed(b"k", b"w", 5000),
        Timed(b"k", None, 6000, kept=b"w"),
        Dropped(b"k", b""),
        Timed(b"k", b"v", 7000),
        Gone(b"k"),
        Scored(b"z", b"m", 3.0),
        Written(b"h", b"f", b"4.5"),
        Timed(b"h", None, 8000, b"f", b"4.5"),
        Gone(b"h", b"f"),
        Dropped(b"z", b"m"),
    ]


@pytest.mark.parametrize(
    "effect", ["SORT k STORE j", "LPOP s", "HDEL s f", "LSET l 5 x", "LMOVE l"]
)
def test_what_does_not_fit_is_said(effect: str) -> None:
    space = Keyspace()
    space.apply(words("SET s x"))
    space.apply(words("RPUSH l a"))
    assert not space.apply(words(effect))


@pytest.mark.parametrize(
    ("effect", "taken"),
    [
        ("LPOP l", b"a"),
        ("RPOP l", b"c"),
        ("RPOPLPUSH l m", b"c"),
        ("LMOVE l m left right", b"a"),
        ("LMOVE l m RIGHT LEFT", b"c"),
        ("ZPOPMIN z", b"x"),
        ("ZPOPMAX z 2", b"y"),
        ("XCLAIM s g c 0 1-0", b"1-0"),
        ("LREM l 0 a", None),
        ("LPOP none", None),
    ],
)
def test_what_an_effect_would_take(effect: str, taken: bytes | None) -> None:
    space = Keyspace()
    space.apply(words("RPUSH l a b c"))
    space.apply(words("ZADD z 1 x 2 y"))
    assert space.would_take(words(effect)) == taken


@pytest.mark.parametrize(
    ("line", "effect", "may"),
    [
        ("BLMOVE q p LEFT RIGHT 2", "LMOVE q p left right", True),
        ("BLMOVE q p LEFT RIGHT 2", "LMOVE q r left right", False),
        ("BLPOP q 2", "LPOP q", True),
        ("BLPOP q 2", "RPOP q", False),
        ("LREM p 0 a", "LREM p 0 b", False),
        ("lrem p 0 a", "LREM p 0 a", True),
        ("SET k v EX 5 NX", "SET k v PXAT 9", True),
        ("SETEX k 5 v", "SET k v PXAT 9", True),
        ("SET k v EX 5", "SET k w PXAT 9", False),
        ("EXPIRE k 5", "PEXPIREAT k 9", True),
        ("GET k", "DEL k", False),
        ("XADD s * f v", "XADD s 1-0 f v", True),
        ("XADD s * f v", "XADD s 1-0 f w", False),
        ("XREADGROUP GROUP g c STREAMS s >", "XCLAIM s g c 0 1-0", True),
        ("XREADGROUP GROUP g c NOACK STREAMS s >", "XGROUP SETID s g 1-0", True),
    ],
)
def test_which_command_an_effect_may_be_of(line: str, effect: str, may: bool) -> None:
    assert may_replicate_as(words(line), words(effect)) is may


def test_which_commands_wait_and_which_were_in_vain() -> None:
    assert is_blocking(words("blpop q 0"))
    assert is_blocking(words("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"))
    assert not is_blocking(words("XREADGROUP GROUP g c STREAMS s >"))
    assert had_no_effect(words("LREM p 0 a"), 0)
    assert had_no_effect(words("LPOP q"), None)
    assert not had_no_effect(words("LPOP q"), b"")
    assert not had_no_effect(words("RPUSH q a"), 0)
