"""Claims whose answers do not bring the item: an id, or a lock where it lies."""

from __future__ import annotations

import base64

from harness.patterns.command_roles import Roles
from harness.patterns.fine.pattern import PATTERN
from harness.suites.unit.dsl.redis_transcript import Tape, end, given
from harness.tap.points import Signature
from harness.tap.records import Command, Message, Reply

ITEMS = (b"apple", b"banana")


def jobs_by_id() -> Tape:
    """A script takes an item, keeps it in base64 in a hash of its own, and answers the hash' id."""
    tape = Tape()
    tape.seeds("RPUSH q apple banana")
    client = tape.worker()
    for number, item in enumerate(("apple", "banana"), 1):
        packed = base64.b64encode(item.encode()).decode()
        job = f"job:{number}f3c9a77"
        effects = ["LPOP q", f"HSET {job} body {packed}", f"ZADD running {tape.now} {job}"]
        client.does("EVALSHA c1a1 2 q running", job.encode(), *effects, lua=("TIME", *effects))
        client.does(f"HGET {job} body", packed.encode())
        done = [f"ZREM running {job}", f"DEL {job}"]
        client.does(f"EVALSHA d0d0 2 running {job}", 1, *done, lua=done)
    return tape


def locks_in_place() -> Tape:
    """Items stay in the list; a key of their own says that somebody has them."""
    tape = Tape()
    tape.seeds("RPUSH q apple banana")
    client = tape.worker()
    for item in ("apple", "banana"):
        client.does("LRANGE q 0 -1", [b"apple", b"banana"])
        client.does(
            f"SET lock:{item} w1 NX PX 6000", b"OK", f"SET lock:{item} w1 {end(tape.now + 6)}"
        )
        client.does(f"LREM q 1 {item}", 1, f"LREM q 1 {item}")
        client.does(f"DEL lock:{item}", 1, f"DEL lock:{item}")
    return tape


def says(words: str, value: object) -> Message:
    command = Command(1, 1, tuple(words.encode().split()))
    return Reply(1, command, value)


def test_the_answer_that_brings_the_item_is_the_delivery_where_the_claim_brings_an_id() -> None:
    tape = jobs_by_id()
    told = tape.told()
    assert [one.item for one in told if type(one) is type(given("", 1, 1))] == ["apple", "banana"]
    roles = tape.reader.roles()
    assert roles.silent == (Signature("EVALSHA", b"c1a1"),)
    assert roles.tells == (Signature("HGET", b"job:*"),)
    point = PATTERN.points(roles, ITEMS).delivered
    assert point.fits(says("HGET job:77aa01bc body", base64.b64encode(b"banana")))
    assert not point.fits(says("HGET job:77aa01bc body", None))
    assert not point.fits(says("EVALSHA c1a1 2 q running", b"job:77aa01bc"))


def test_a_claim_that_tells_nothing_at_all_is_known_by_that_it_has_brought_something() -> None:
    roles = jobs_by_id().reader.roles()
    roles = type(roles)(claims=roles.claims, silent=roles.claims)
    points = PATTERN.points(roles, ITEMS)
    assert points.delivered.fits(says("EVALSHA c1a1 2 q running", b"job:77aa01bc"))
    assert not points.delivered.fits(says("EVALSHA c1a1 2 q running", None))
    assert not points.delivered_of(b"apple").fits(says("EVALSHA c1a1 2 q running", b"job:77aa01bc"))


def test_a_lock_that_was_got_is_a_delivery_where_items_stay_in_the_list() -> None:
    tape = locks_in_place()
    tape.told()
    roles = tape.reader.roles()
    assert roles.claims == (Signature("SET", b"lock:*"),)
    assert roles.silent == ()
    points = PATTERN.points(roles, ITEMS)
    assert points.delivered.fits(says("SET lock:banana w2 NX PX 6000", b"OK"))
    assert not points.delivered.fits(says("SET lock:banana w2 NX PX 6000", None))
    assert points.delivered_of(b"apple").fits(says("SET lock:apple w2 NX PX 6000", b"OK"))
    assert not points.delivered_of(b"apple").fits(says("SET lock:banana w2 NX PX 6000", b"OK"))


def test_an_item_that_is_locked_already_is_no_empty_queue() -> None:
    tape = Tape(roles=Roles(claims=(Signature("HSETNX", b"locks"),)))
    tape.seeds("RPUSH q apple")
    first, second = tape.worker(), tape.worker()
    first.does("HSETNX locks apple w1", 1, "HSETNX locks apple w1")
    second.does("HSETNX locks apple w2", 0)
    assert "FoundEmpty" not in {type(one).__name__ for one in tape.told()}
