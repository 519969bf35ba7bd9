"""Queues that are lists: the task page's worker, and others that do without scripts."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha224
from urllib.parse import quote

import pytest

from harness.history import (
    ConnectionClosed,
    ConnectionOpened,
    FoundEmpty,
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    LeaseExpired,
)
from harness.patterns.command_roles import Roles
from harness.suites.unit.dsl.redis_transcript import (
    NO_ANSWER,
    Client,
    Tape,
    asked,
    buried,
    end,
    given,
    score,
    settled,
)
from harness.tap.points import Signature

LEASE = f"job2:leased_by_session:{sha224(b'apple').hexdigest()}"


# -- the task page's worker -----------------------------------------------------------------------


def page(tape: Tape) -> None:
    """One worker, one item, from its connection to its exit."""
    tape.seeds("RPUSH job2 apple")  # 0
    one = tape.worker()
    one.does("LLEN job2", 1)  # 1
    one.does("BRPOPLPUSH job2 job2:processing 2", b"apple", "RPOPLPUSH job2 job2:processing")
    one.does(f"SET {LEASE} me EX 10", b"OK", f"SET {LEASE} me {end(13)}")  # 3
    one.does("LREM job2:processing 0 apple", 1, "LREM job2:processing 0 apple")  # 4
    one.does(f"DEL {LEASE}", 1, f"DEL {LEASE}")  # 5
    one.does("LLEN job2", 0)  # 6
    one.does("LLEN job2:processing", 0)  # 7
    one.leaves()  # 8


def test_the_page_s_worker_claims_leases_and_settles() -> None:
    tape = Tape("job2")
    page(tape)
    assert tape.events == [
        ItemEnqueued("apple", "job2"),
        ConnectionOpened(1, "10.0.0.1", 5000, "10.0.0.99:40001", at=1.0),
        asked(1, 2.0, "job2"),
        given("apple", 1, 2.0),
        ItemLeased("apple", 1, "me", 13.0, 3.0),
        settled("apple", 1, 4.0, "me"),
        FoundEmpty(1, "job2", 6.0),
        ConnectionClosed(1, "client", at=8.0),
    ]
    assert tape.reader.drained()
    assert tape.reader.finish() == []
    assert tape.reader.lease_blind_spot() == ""
    assert tape.reader.places() == {"ready": [], "leased": [], "dead": []}


def test_roles_are_learned_from_the_page_s_worker() -> None:
    tape = Tape("job2")
    page(tape)
    assert tape.reader.roles() == Roles(
        claims=(Signature("BRPOPLPUSH", b"job2"),),
        settles=(Signature("LREM", b"job2:processing"),),
        asks=(Signature("LLEN", b"job2"), Signature("LLEN", b"job2:processing")),
        processing=(b"job2:processing",),
    )


@pytest.mark.parametrize(
    "name",
    [
        sha224(b"apple pie/1").hexdigest(),
        sha224(b"apple pie/1").hexdigest()[:12],
        b"apple pie/1".hex(),
        b64encode(b"apple pie/1").decode().rstrip("="),
        quote("apple pie/1", safe=""),
    ],
    ids=["digest", "beginning of a digest", "hex", "base64", "in an address"],
)
def test_a_lease_may_be_named_after_an_item_in_any_spelling(name: str) -> None:
    tape = Tape("job2")
    tape.seeds((b"RPUSH", b"job2", b"apple pie/1"))
    one = tape.worker()
    moves = "RPOPLPUSH job2 job2:processing"
    one.does(moves, b"apple pie/1", moves)  # 1
    one.does(f"SET lease:{name} me EX 2 NX", b"OK", f"SET lease:{name} me {end(4)} NX")  # 2
    assert ItemLeased("apple pie/1", 1, "me", 4.0, 2.0) in tape.told()


def test_who_takes_over_by_a_lock_alone_teaches_a_claim() -> None:
    tape = Tape("job2", Roles(claims=(Signature("RPOPLPUSH", b"job2"),)))
    tape.seeds("RPUSH job2 apple-1")
    one, two = tape.worker(), tape.worker()
    one.does("RPOPLPUSH job2 job2:processing", b"apple-1", "RPOPLPUSH job2 job2:processing")
    one.does("SET lease:apple-1 me EX 2 NX", b"OK", f"SET lease:apple-1 me {end(4)} NX")
    tape.waits(2)
    tape.forgets("DEL lease:apple-1")
    two.does("SET lease:apple-1 you EX 2 NX", b"OK", f"SET lease:apple-1 you {end(9)} NX")
    tape.told()
    assert Signature("SET", b"lease:*") in tape.reader.roles().claims


def test_a_lease_expires_and_somebody_takes_the_item_over_where_it_lies() -> None:
    tape = Tape("job2")
    tape.seeds("RPUSH job2 apple")
    one, two = tape.worker(), tape.worker()
    one.does("RPOPLPUSH job2 job2:processing", b"apple", "RPOPLPUSH job2 job2:processing")  # 1
    one.does(f"SET {LEASE} me EX 2 NX", b"OK", f"SET {LEASE} me {end(4)} NX")  # 2
    two.does(f"SET {LEASE} you EX 2 NX", None)  # 3
    tape.waits(2)
    tape.forgets(f"DEL {LEASE}")  # 6: Redis looks for such keys only now and then
    two.does(f"SET {LEASE} you EX 2 NX", b"OK", f"SET {LEASE} you {end(9)} NX")  # 7
    two.does(f"EXPIRE {LEASE} 4", 1, f"PEXPIREAT {LEASE} {end(12).split()[1]}")  # 8
    two.does("LREM job2:processing 0 apple", 1, "LREM job2:processing 0 apple")  # 9
    one.does("LREM job2:processing 0 apple", 0)  # 10
    assert tape.told() == [
        ItemEnqueued("apple", "job2"),
        asked(1, 1.0, "job2"),
        given("apple", 1, 1.0),
        ItemLeased("apple", 1, "me", 4.0, 2.0),
        LeaseExpired("apple", "me", 4.0),
        asked(2, 7.0, "job2"),
        ItemReclaimed("apple", 2, "me", 7.0),
        given("apple", 2, 7.0, "you", until=9.0, again=True),
        ItemLeased("apple", 2, "you", 12.0, 8.0),
        settled("apple", 2, 9.0, "you"),
        settled("apple", 1, 10.0, "me", late=True),
    ]


def test_a_key_that_expires_under_the_hand_of_the_next_one() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one, two = tape.worker(), tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"apple", "LMOVE q p LEFT RIGHT")
    one.does("SET lock:apple A PX 500", b"OK", f"SET lock:apple A {end(2.5)}")
    tape.waits(1)
    two.does(
        "SET lock:apple B PX 500 NX",
        b"OK",
        "DEL lock:apple",
        f"SET lock:apple B {end(4.5)} NX",
    )
    assert tape.told()[4:] == [
        asked(2, 4.0),
        LeaseExpired("apple", "A", 2.5),
        ItemReclaimed("apple", 2, "A", 4.0),
        given("apple", 2, 4.0, "B", until=4.5, again=True),
    ]


# -- who gets what --------------------------------------------------------------------------------


def test_a_destructive_pop_is_final() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a b")
    one = tape.worker()
    one.does("LPOP q", b"a", "LPOP q")
    one.does("BRPOP q 1", [b"q", b"b"], "RPOP q")
    one.does("LPOP q", None)
    assert tape.told()[2:] == [
        asked(1, 1.0),
        given("a", 1, 1.0, final=True),
        asked(1, 2.0),
        given("b", 1, 2.0, final=True),
        asked(1, 3.0),
        FoundEmpty(1, "q", 3.0),
    ]
    assert tape.reader.lease_blind_spot() == ""


@pytest.mark.parametrize("pop", ["BLPOP q 0", "BLMPOP 0 1 q LEFT"])
def test_those_who_wait_are_served_before_those_who_come(pop: str) -> None:
    tape = Tape(ticking=False)
    one, two, three = (tape.worker() for _ in range(3))
    first, second = one.does(pop), two.does(pop)
    tape.shows("127.0.0.1:39999", "RPUSH q a b")
    for effect in ("RPUSH q a b", "LPOP q", "LPOP q"):
        tape.changes(effect)
    three.does("LPOP q", None)
    tape.ticks()
    # Answers come when they come; here the later one first.
    two.hears(second, [b"q", b"b"])
    one.hears(first, [b"q", b"a"])
    assert [one for one in tape.told() if isinstance(one, ItemDelivered)] == [
        given("a", 1, 2.0, final=True),
        given("b", 2, 2.0, final=True),
    ]


def test_who_has_waited_in_vain_is_passed_over() -> None:
    tape = Tape(ticking=False)
    one, two = tape.worker(), tape.worker()
    command = one.does("BLMOVE q p LEFT RIGHT 1")
    one.hears(command, None)
    tape.seeds("RPUSH q a")
    two.does("BLMOVE q p LEFT RIGHT 1", b"a", "LMOVE q p LEFT RIGHT")
    tape.ticks()
    assert tape.told() == [
        asked(1, 0.0),
        FoundEmpty(1, "q", 1.0),
        ItemEnqueued("a", "q"),
        asked(2, 2.0),
        given("a", 2, 2.0),
    ]


def test_what_goes_to_somebody_who_has_just_gone_is_his() -> None:
    tape = Tape()
    one = tape.worker()
    one.does("BRPOPLPUSH q p 0")
    one.leaves()
    tape.shows("127.0.0.1:39999", "RPUSH q a")
    for effect in ("RPUSH q a", "RPOPLPUSH q p"):
        tape.changes(effect)
    tape.step()
    assert tape.told() == [asked(1, 0.0), ItemEnqueued("a", "q"), given("a", 1, 2.0)]


def test_what_is_waited_for_in_another_list_is_no_item() -> None:
    tape = Tape()
    one = tape.worker()
    command = one.does("BLPOP other 1")
    one.hears(command, None)
    one.does("BLPOP other 1", [b"other", b"x"], "LPOP other")
    assert tape.told() == []


# -- back, away, aside ----------------------------------------------------------------------------


def test_what_is_taken_away_and_pushed_is_given_back_or_reclaimed() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")  # 1
    one.does("LREM p 1 a", 1, "LREM p 1 a")
    one.does("RPUSH q a", 1, "RPUSH q a")  # 3
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    two.does("LREM p 1 a", 1, "LREM p 1 a")  # 5
    two.does("LLEN p", 0)
    two.does("RPUSH q a", 1, "RPUSH q a")  # 7
    assert tape.told()[3:] == [
        ItemReturned("a", 1, at=3.0),
        asked(1, 4.0),
        given("a", 1, 4.0, again=True),
        ItemReclaimed("a", 2, at=7.0),
    ]
    assert tape.reader.roles().settles == ()
    assert tape.reader.roles().gives_back == (Signature("RPUSH", b"q"),)


def test_what_is_taken_away_and_not_pushed_in_time_is_settled() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    one.does("LREM p 1 a", 1, "LREM p 1 a")  # 2
    tape.waits(4)
    one.does("RPUSH q a", 1, "RPUSH q a")  # 7
    assert tape.told()[3:] == [settled("a", 1, 2.0), ItemEnqueued("a", "q", 1, 7.0)]


def test_what_is_pushed_and_then_taken_away_is_given_back_once() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    one.does("LPUSH q a", 1, "LPUSH q a")  # 2
    one.does("LREM p 1 a", 1, "LREM p 1 a")
    one.does("LPOP q", b"a", "LPOP q")  # 4
    assert tape.told()[3:] == [
        ItemReturned("a", 1, at=2.0),
        asked(1, 4.0),
        given("a", 1, 4.0, final=True, again=True),
    ]


def test_what_was_pushed_may_be_given_away_before_the_other_half() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    one.does("LPUSH q a", 1, "LPUSH q a")  # 2
    two.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    one.does("LREM p 1 a", 1, "LREM p 1 a")
    two.does("LREM p 1 a", 1, "LREM p 1 a")  # 5
    assert tape.told()[3:] == [
        ItemReturned("a", 1, at=2.0),
        asked(2, 3.0),
        given("a", 2, 3.0, again=True),
        settled("a", 2, 5.0),
    ]


@pytest.mark.parametrize(
    ("steps", "at"),
    [
        (("LMOVE p dead LEFT RIGHT",), 2.0),
        (("RPUSH dead a", "LREM p 1 a"), 3.0),
        (("LREM p 1 a", "RPUSH dead a"), 2.0),
    ],
)
def test_what_is_set_aside_is_dead_however_it_got_there(steps: tuple[str, ...], at: float) -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    for step in steps:
        one.does(step, b"a" if step.startswith("LMOVE") else 1, step)
    tape.waits(4)
    assert tape.told()[3:] == [buried("a", 1, at)]
    assert tape.reader.roles().dead == (b"dead",)
    assert tape.reader.places() == {"ready": [], "leased": [], "dead": [b"a"]}


def test_where_nothing_failed_what_was_set_aside_is_done() -> None:
    tape = Tape(roles=Roles(dead=(b"finished",), processing=(b"p",)).fault_free())
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    one.does("LMOVE p finished LEFT RIGHT", b"a", "LMOVE p finished LEFT RIGHT")
    assert tape.told()[3:] == [settled("a", 1, 2.0)]
    assert tape.reader.roles().done == (b"finished",)


def test_a_transaction_is_one_step() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a b")
    one, two = tape.worker(), tape.worker()
    one.transacts(
        [("LMOVE q p LEFT RIGHT", b"a"), (f"SET lock:a me {end(9)}", b"OK")],
        "LMOVE q p LEFT RIGHT",
        f"SET lock:a me {end(9)}",
    )
    two.transacts([("LLEN p", 1), ("LREM p 0 a", 1), ("RPUSH q a", 2)], "LREM p 0 a", "RPUSH q a")
    one.transacts([("LREM p 0 a", 0), ("DEL lock:a", 1)], "DEL lock:a")
    assert tape.told()[2:] == [
        asked(1, 1.0),
        given("a", 1, 1.0, "me", until=9.0),
        ItemReclaimed("a", 2, "me", 2.0),
        settled("a", 1, 3.0, "me", late=True),
    ]
    assert tape.reader.roles() == Roles(
        claims=(Signature("LMOVE", b"q"),),
        processing=(b"p",),
    )


def test_a_transaction_that_was_given_up_does_nothing() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    for said, answer in (("WATCH q", b"OK"), ("MULTI", b"OK")):
        one.does(said, answer)
    one.does("LPOP q", b"QUEUED", shown=False)
    one.does("EXEC", None)
    one.does("LPOP q", b"a", "LPOP q")
    assert tape.told()[1:] == [asked(1, 5.0), given("a", 1, 5.0, final=True)]


@pytest.mark.parametrize("answer", [None, NO_ANSWER])
def test_a_report_that_was_given_up_came_too_late(answer: object) -> None:
    """Only where another has the item by then; MONITOR shows no command of it."""
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")  # 1
    gives_up(one, None)  # 2, 3, 4
    two.transacts([("LREM p 0 a", 1), ("RPUSH q a", 1)], "LREM p 0 a", "RPUSH q a")
    two.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")  # 6
    gives_up(one, answer)  # 7, 8, 9
    one.leaves()
    assert tape.told()[3:] == [
        ItemReclaimed("a", 2, at=5.0),
        asked(2, 6.0),
        given("a", 2, 6.0, again=True),
        settled("a", 1, 9.0, late=True),
    ]


def gives_up(client: Client, answer: object) -> None:
    client.does("MULTI", b"OK")
    client.does("LREM p 1 a", b"QUEUED", shown=False)
    client.does("EXEC", answer)


# -- leases of other kinds ------------------------------------------------------------------------


def test_deadlines_in_a_sorted_set() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    one.does(f"ZADD due {score(5)} a", 1, f"ZADD due {score(5)} a")
    one.does(f"ZADD due XX {score(8)} a", 0, f"ZADD due XX {score(8)} a")  # 3
    two.does(f"ZADD due XX {score(9)} a", 0, f"ZADD due XX {score(9)} a")
    two.does("LREM p 1 a", 1, "LREM p 1 a")  # 5
    two.does("ZREM due a", 1, "ZREM due a")
    assert tape.told()[3:] == [
        ItemLeased("a", 1, "", 5.0, 2.0),
        ItemLeased("a", 1, "", 8.0, 3.0),
        asked(2, 4.0),
        ItemReclaimed("a", 2, at=4.0),
        given("a", 2, 4.0, until=9.0, again=True),
        settled("a", 2, 5.0),
    ]
    assert tape.reader.roles().renews == (Signature("ZADD", b"due"),)


def test_when_items_were_claimed_says_nothing_until_somebody_looks_for_old_ones() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a b")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    one.does(f"ZADD since {score(2)} a", 1, f"ZADD since {score(2)} a")  # 2
    assert tape.reader.lease_blind_spot() == (
        "claimed items lie in p, and since has when they were claimed, not until when"
    )
    one.does(f"ZRANGEBYSCORE since -inf {score(-27)}", [])  # 3
    one.does("LMOVE q p LEFT RIGHT", b"b", "LMOVE q p LEFT RIGHT")
    one.does(f"ZADD since {score(5)} b", 1, f"ZADD since {score(5)} b")  # 5
    assert tape.told()[-1] == ItemLeased("b", 1, "", 35.0, 5.0)
    assert tape.reader.roles().idle == 30.0
    assert tape.reader.lease_blind_spot() == ""


@pytest.mark.parametrize("said", ["ZADD doing {} a", "HSET doing a {}"])
def test_a_claim_in_two_commands(said: str) -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LPOP q", b"a", "LPOP q")
    one.does(said.format(score(9)), 1, said.format(score(9)))
    remove = f"{said[0]}{'DEL' if said.startswith('H') else 'REM'} doing a"
    one.does(remove, 1, remove)
    assert tape.told()[2:] == [
        given("a", 1, 1.0, final=True),
        ItemLeased("a", 1, "", 9.0, 2.0),
        settled("a", 1, 3.0),
    ]


def test_a_key_that_is_named_after_a_part_of_the_item() -> None:
    tape = Tape()
    tape.seeds([b"RPUSH", b"q", b'{"id": 4711}'])
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b'{"id": 4711}', "LMOVE q p LEFT RIGHT")
    one.does("SET alive:worker-1 1 EX 5", b"OK", f"SET alive:worker-1 1 {end(7)}")
    one.does("SET lease:4711 1 EX 5", b"OK", f"SET lease:4711 1 {end(8)}")
    assert tape.told()[3:] == [ItemLeased('{"id": 4711}', 1, "1", 8.0, 3.0)]


def test_a_result_is_no_lease() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    for _ in range(4):
        one.does("INCR progress", 1, "INCR progress")
    one.does("SET result:a x EX 3600", b"OK", f"SET result:a x {end(3606)}")
    one.does("LREM p 0 a", 1, "LREM p 0 a")
    one.does("SET seen:a x EX 3600", b"OK", f"SET seen:a x {end(3608)}")
    assert tape.told()[3:] == [settled("a", 1, 7.0)]
    assert tape.reader.lease_blind_spot() != ""


def test_a_new_container_in_the_same_pod_takes_over_what_the_old_one_had() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    old = tape.worker("10.1.1.1")
    old.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")  # 1
    old.does(f"ZADD due {score(4)} a", 1, f"ZADD due {score(4)} a")
    old.leaves()  # 3
    tape.waits(2)
    new = tape.worker("10.1.1.1")
    new.does(f"ZADD due XX {score(9)} a", 0, f"ZADD due XX {score(9)} a")  # 6
    assert tape.told()[4:] == [
        asked(2, 6.0),
        ItemReclaimed("a", 2, at=6.0),
        given("a", 2, 6.0, until=9.0, again=True),
    ]


def test_without_a_lease_it_says_so() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LMOVE q doing LEFT RIGHT", b"a", "LMOVE q doing LEFT RIGHT")
    tape.told()
    assert tape.reader.lease_blind_spot() == (
        "claimed items lie in doing, and no lease on them was seen"
    )
    assert tape.reader.places() == {"ready": [], "leased": [b"a"], "dead": []}


# -- items that are equal, empty, binary ----------------------------------------------------------


def test_equal_items_are_counted() -> None:
    tape = Tape()
    tape.seeds("RPUSH q x x x")
    one, two = tape.worker(), tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"x", "LMOVE q p LEFT RIGHT")
    two.does("LMOVE q p LEFT RIGHT", b"x", "LMOVE q p LEFT RIGHT")
    one.does("LREM p 0 x", 2, "LREM p 0 x")  # 3: both
    two.does("LREM p 0 x", 0)
    assert tape.told() == [
        *[ItemEnqueued("x", "q")] * 3,
        asked(1, 1.0),
        given("x", 1, 1.0),
        asked(2, 2.0),
        given("x", 2, 2.0),
        settled("x", 1, 3.0),
        settled("x", 1, 3.0),
        settled("x", 2, 4.0, late=True),
    ]
    assert tape.reader.places()["ready"] == [b"x"]


def test_an_empty_item_is_an_item() -> None:
    tape = Tape()
    tape.seeds([b"RPUSH", b"q", b""])
    one = tape.worker()
    one.does("LPOP q", b"", "LPOP q")
    assert tape.told() == [
        ItemEnqueued("", "q"),
        asked(1, 1.0),
        given("", 1, 1.0, final=True),
    ]


def test_a_container_that_was_started_again_takes_over_into_a_list_of_a_new_name() -> None:
    """Same address, new name: it is another worker, and its list is like those of the others."""
    tape = Tape("job2")
    tape.seeds("RPUSH job2 apple-1")
    one, two = tape.worker(), tape.worker("10.0.0.9")
    claim = "EVALSHA c1a1 1 job2"

    def takes(client: Client, before: str, now: str) -> None:
        effects = [before, f"RPUSH job2:hand:{now} apple-1", f"HINCRBY job2:tries apple-1 {1}"]
        client.does(claim, b"apple-1", *effects, lua=effects)

    takes(one, "LPOP job2", "pod-a.4af3c9d2e1b0")
    takes(two, "RPOP job2:hand:pod-a.4af3c9d2e1b0", "pod-b.5be4d0e3f2c1")
    two.leaves()
    again = tape.worker("10.0.0.9")
    takes(again, "RPOP job2:hand:pod-b.5be4d0e3f2c1", "pod-b.6cf5e1f403d2")
    done = ["RPOP job2:hand:pod-b.6cf5e1f403d2", "HDEL job2:tries apple-1"]
    again.does("EVALSHA d0d0 1 job2", 1, *done, lua=done)
    told = tape.told()
    assert [one.connection for one in told if isinstance(one, ItemDelivered)] == [1, 2, 3]
    assert told[-1] == settled("apple-1", 3, 5.0)
