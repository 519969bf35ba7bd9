"""Numbers, texts and signs of life as leases: what behaves as one, and what only looks like one."""

from __future__ import annotations

import pytest

from harness.history import ItemLeased, ItemReclaimed, ItemReturned, LeaseExpired, Observation
from harness.suites.unit.dsl.redis_transcript import (
    EPOCH,
    Client,
    Tape,
    asked,
    end,
    given,
    score,
    settled,
)

CLAIM = "LMOVE q p LEFT RIGHT"


def leases(tape: Tape) -> list[float]:
    """The ends of all leases, in the order in which they became known."""
    ends = [one.until for one in tape.told() if hasattr(one, "until")]
    return [one for one in ends if one is not None]


def claimed(item: str = "a") -> tuple[Tape, Client]:
    tape = Tape()
    tape.seeds(f"RPUSH q {item} b")
    one = tape.worker()
    one.does(CLAIM, item.encode(), CLAIM)  # 1
    return tape, one


# -- numbers that are none ------------------------------------------------------------------------


@pytest.mark.parametrize("item", ["4021558811", f"{EPOCH + 300:.0f}", f"{EPOCH * 1000 + 99:.0f}"])
def test_an_item_that_is_a_number_is_an_item(item: str) -> None:
    """Also where it is read, and be it a moment that is near."""
    tape = Tape()
    tape.seeds(f"RPUSH q {item}")
    one = tape.worker()
    effects = ("LPOP q", f"HSET items T {item}", "HSET tries T 1", f"ZADD due {score(9)} T")
    one.does("EVALSHA claim 1 q T", item.encode(), *effects, lua=effects)  # 1
    one.does("HGET items T", item.encode())  # 2
    one.does("HGET tries T", b"1")
    remove = ("HDEL items T", "HDEL tries T", "ZREM due T")
    one.does("EVALSHA done 1 q T", 1, *remove, lua=remove)  # 4
    assert tape.told()[1:] == [
        asked(1, 1.0),
        given(item, 1, 1.0, "T", until=9.0),
        settled(item, 1, 4.0, "T"),
    ]


@pytest.mark.parametrize(
    "number",
    ["4021558811", "42", "1", f"{EPOCH - 86400:.0f}", f"{(EPOCH + 9e6) * 1000:.0f}", "9" * 16],
)
def test_what_is_far_from_now_ends_no_lease(number: str) -> None:
    tape, one = claimed()
    one.does(f"HSET notes a {number}", 1, f"HSET notes a {number}")
    one.does("HGET notes a", number.encode())
    one.does(f"ZADD prices {number} a", 1, f"ZADD prices {number} a")
    assert leases(tape) == []
    assert tape.reader.lease_blind_spot() == (
        "claimed items lie in p, and no lease on them was seen"
    )


def test_a_number_of_the_item_s_own_ends_no_lease() -> None:
    """Of an item that names a moment that is near."""
    tape, one = claimed(f"order/{EPOCH + 300:.0f}")
    item, number = f"order/{EPOCH + 300:.0f}", f"{EPOCH + 300:.0f}"
    one.does(f"ZADD orders {number} {item}", 1, f"ZADD orders {number} {item}")
    one.does(f"HSET orders: {item} {number}", 1, f"HSET orders: {item} {number}")
    one.does(f"HGET orders: {item}", number.encode())
    assert leases(tape) == []


def test_a_moment_that_nobody_reads_ends_no_lease() -> None:
    tape, one = claimed()
    one.does(f"HSET eta a {score(1800)}", 1, f"HSET eta a {score(1800)}")
    one.does(f"ZADD due {score(9)} a", 1, f"ZADD due {score(9)} a")
    assert leases(tape) == [9.0]


def test_of_two_ends_the_first_counts_and_of_two_in_one_text_none() -> None:
    tape, one = claimed()
    one.does("HGET eta a", None)
    one.does(f"HSET eta a {score(1800)}", 1, f"HSET eta a {score(1800)}")  # 3
    one.does(f"ZADD due {score(9)} a", 1, f"ZADD due {score(9)} a")  # 4
    text = f"HSET both a {score(60)}|{score(70)}"
    one.does("HGET both a", None)
    one.does(text, 1, text)
    one.does(f"ZADD due {score(12)} a", 1, f"ZADD due {score(12)} a")
    assert leases(tape) == [1800.0, 9.0, 12.0]


# -- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "{s}|me",
        "me:{ms}",
        '{{"until":{s},"owner":"me"}}',
        '{{"owner":"me","until":{ms},"since":{now}}}',
        "me@2027-01-15T08:00:09.5Z",
        "{us}",
        "{s}",
    ],
)
@pytest.mark.parametrize("where", ["HSET lease a", "SET lease:a", "HSET lease:a until"])
def test_a_text_with_an_end_is_a_lease_when_it_is_read(text: str, where: str) -> None:
    at = EPOCH + 9.5
    said = text.format(s=f"{at:.3f}", ms=f"{at * 1000:.0f}", us=f"{at * 1e6:.0f}", now=EPOCH)
    put, read = f"{where} {said}", where.replace("SET", "GET")
    tape, one = claimed()
    one.does(put, 1, put)  # 2
    two = tape.worker()
    two.does(read, said.encode())  # 3
    one.does("LREM p 1 a", 1, "LREM p 1 a")  # 4
    two.does(CLAIM, b"b", CLAIM)  # 5
    other = put.replace(" a ", " b ").replace(":a ", ":b ")
    two.does(other, 1, other)  # 6
    assert tape.told()[4:] == [
        ItemLeased("a", 1, "", 9.5, 2.0),
        settled("a", 1, 4.0),
        asked(2, 5.0),
        given("b", 2, 5.0),
        ItemLeased("b", 2, "", 9.5, 6.0),
    ]
    assert len(tape.reader.roles().deadlines) == 1


def test_a_text_is_renewed_given_up_and_taken_over() -> None:
    tape, one = claimed()
    two = tape.worker()
    for until in (5, 8):  # 2, 4
        put = f"HSET lease a {score(until)}|one"
        one.does("HGET lease a", None)
        one.does(put, 1, put)
    one.does("HDEL lease a", 1, "HDEL lease a")  # 6
    two.transacts([("LREM p 1 a", 1), ("RPUSH q a", 2)], "LREM p 1 a", "RPUSH q a")  # 7
    assert tape.told()[4:] == [
        ItemLeased("a", 1, "", 5.0, 3.0),
        ItemLeased("a", 1, "", 8.0, 5.0),
        LeaseExpired("a", "", 6.0),
        ItemReclaimed("a", 2, "", 7.0),
    ]


@pytest.mark.parametrize("back", ["0", "-inf", f"{EPOCH:.0f}"])
def test_a_score_of_the_past_gives_an_item_back(back: str) -> None:
    tape, one = claimed()
    one.does(f"ZADD due {score(9)} a", 1, f"ZADD due {score(9)} a")  # 2
    one.does(f"ZADD due {back} a", 0, f"ZADD due {back} a")  # 3
    assert tape.told()[4:] == [ItemLeased("a", 1, "", 9.0, 2.0), ItemReturned("a", 1, "", 3.0)]


def test_scores_may_be_turned_round() -> None:
    tape, one = claimed()
    one.does(f"ZADD due -{score(9)} a", 1, f"ZADD due -{score(9)} a")
    one.does(f"ZADD due -{score(12)} a", 0, f"ZADD due -{score(12)} a")
    assert leases(tape) == [9.0, 12.0]


# -- keys and fields that end ---------------------------------------------------------------------


def test_a_key_gets_its_end_by_a_command_of_its_own() -> None:
    tape, one = claimed()
    one.does("SETNX lock:a me", 1, "SETNX lock:a me")
    one.does("EXPIRE lock:a 5", 1, f"PEXPIREAT lock:a {end(8).split()[1]}")  # 3
    tape.waits(6)
    tape.forgets("DEL lock:a")
    assert tape.told()[4:] == [
        ItemLeased("a", 1, "me", 8.0, 3.0),
        LeaseExpired("a", "me", 8.0),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [
            ("HSET lease a me", "HSET lease a me"),
            ("HPEXPIRE lease 6000 FIELDS 1 a", "HPEXPIREAT lease {} FIELDS 1 a"),
        ],
        [
            ("PING", ""),
            ("HSETEX lease PX 6000 FIELDS 1 a me", "HSETEX lease PXAT {} FIELDS 1 a me"),
        ],
    ],
)
def test_a_field_that_ends_is_a_lease(steps: list[tuple[str, str]]) -> None:
    tape, one = claimed()
    until = end(9).split()[1]
    for said, effect in steps:
        one.does(said, 1, *([effect.format(until)] if effect else []))  # 2, 3
    tape.waits(6)
    tape.forgets("HDEL lease a")  # 10
    told = tape.told()[4:]
    assert told == [ItemLeased("a", 1, "me", 9.0, 3.0), LeaseExpired("a", "me", 9.0)]


def test_another_text_in_one_s_own_lease_renews_it() -> None:
    tape, one = claimed()
    for at in (6, 8):
        one.does(f"SET lock:a {at} EX 4", b"OK", f"SET lock:a {at} {end(at)}")
    assert tape.told()[4:] == [ItemLeased("a", 1, "6", 6.0, 2.0), ItemLeased("a", 1, "8", 8.0, 3.0)]


# -- signs of life --------------------------------------------------------------------------------


def beating(name: str) -> tuple[Tape, Client, Client]:
    """Two workers with a list each; the first has an item in its own."""
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    claim = f"LMOVE q p:{name} LEFT RIGHT"
    one.does(claim, b"a", claim)  # 1
    return tape, one, two


def beat(client: Client, name: str, until: float) -> None:
    client.does(f"SET alive:{name} 1 EX 5", b"OK", f"SET alive:{name} 1 {end(until)}")


def without_asking(told: list[Observation]) -> list[Observation]:
    return [one for one in told if type(one).__name__ not in ("AskedForItem", "FoundEmpty")]


def test_a_worker_s_sign_of_life_is_the_lease_on_all_it_has() -> None:
    """Known by that others look at it; by then it may have been given for long."""
    tape, one, two = beating("w-one")
    beat(one, "w-one", 7)  # 2
    beat(two, "w-two", 8)  # 3
    two.does("EXISTS alive:w-one", 1)  # 4
    beat(one, "w-one", 10)  # 5
    back = "LMOVE p:w-one q LEFT RIGHT"
    tape.waits(6)
    tape.forgets("DEL alive:w-one")
    two.does("EXISTS alive:w-one", 0)
    two.does(back, b"a", back)  # 14
    assert without_asking(tape.told())[2:] == [
        ItemLeased("a", 1, "", 7.0, 2.0),
        ItemLeased("a", 1, "", 10.0, 5.0),
        ItemReclaimed("a", 2, "", 14.0),
    ]


def test_an_item_is_given_under_a_sign_of_life() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    beat(one, "w-one", 9)  # 1
    two.does("KEYS alive:*", [b"alive:w-one"])
    claim = "LMOVE q p:w-one LEFT RIGHT"
    one.does(claim, b"a", claim)  # 3
    assert given("a", 1, 3.0, until=9.0) in tape.told()


def test_signs_of_life_may_be_scores_that_say_when() -> None:
    tape, one, two = beating("w-one")
    one.does(f"ZADD workers {score(2)} w-one", 1, f"ZADD workers {score(2)} w-one")  # 2
    two.does(f"ZRANGEBYSCORE workers -inf {score(-7)}", [])  # 3: ten seconds old
    assert leases(tape) == [12.0]


@pytest.mark.parametrize("why", ["nobody looks", "no name", "of all", "a lease", "old"])
def test_what_is_no_sign_of_life(why: str) -> None:
    """Nobody else looks; it is not named like the worker; all set it; items have leases."""
    tape, one, two = beating("w-one")
    name = "leader" if why == "no name" else "w-one"
    if why == "a lease":
        one.does(f"ZADD due {score(20)} a", 1, f"ZADD due {score(20)} a")
    if why == "old":
        one.does(f"ZADD workers {score(-90)} {name}", 1, f"ZADD workers {score(-90)} {name}")
        two.does(f"ZSCORE workers {name}", score(-90).encode())
    else:
        beat(one, name, 9)
    if why == "of all":
        beat(two, name, 9)
    (one if why == "nobody looks" else two).does(f"GET alive:{name}", b"1")
    beat(one, name, 11)
    assert leases(tape) == ([20.0] if why == "a lease" else [])


def test_a_container_that_was_started_again_claims_under_the_same_id() -> None:
    """A record in JSON says until when; who comes from the same address is another process."""
    tape = Tape()
    tape.seeds("RPUSH q apple-1")
    one = tape.worker("10.0.0.9")

    def takes(client: Client, until: float, first: str = "") -> None:
        record = f'{{"gen":1,"until":{int((EPOCH + until) * 1000)}}}'
        effects = [first, "HSET body 3ce88b39ff0f apple-1"] if first else []
        effects.append(f"HSET state 3ce88b39ff0f {record}")
        looks = ("HGETALL state", *effects, "HGET body 3ce88b39ff0f")
        client.does("EVAL take 2 state body", [b"3ce88b39ff0f", 1, b"apple-1"], *effects, lua=looks)

    takes(one, 4, "LPOP q")  # 1
    one.leaves()
    again = tape.worker("10.0.0.9")
    tape.waits(3)
    takes(again, 10)  # 6
    third = tape.worker()
    tape.waits(4)
    takes(third, 20)  # 11
    done = ("HDEL state 3ce88b39ff0f", "HDEL body 3ce88b39ff0f")
    third.does("EVAL done 2 state body", 1, *done, lua=done)
    told = tape.told()
    deliveries = [one for one in told if hasattr(one, "redelivered")]
    assert [(one.connection, one.redelivered) for one in deliveries] == [
        (1, False),
        (2, True),
        (3, True),
    ]
    assert told[-1] == settled("apple-1", 3, 12.0, "3ce88b39ff0f")
