"""Items that are equal, and items that are removed by one that never had them."""

from __future__ import annotations

from harness.history import (
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemSettled,
    Observation,
)
from harness.suites.unit.dsl.redis_transcript import Tape, end, score, settled

CLAIM = "LMOVE q p LEFT RIGHT"


def taken(told: list[Observation]) -> list[Observation]:
    return [one for one in told if isinstance(one, ItemReclaimed)]


def test_holders_of_equal_items_renew_what_they_share_and_take_nothing_over() -> None:
    tape = Tape()
    tape.seeds("RPUSH q x x")
    one, two = tape.worker(), tape.worker()
    for client in (one, two):  # 1, 2
        client.does(CLAIM, b"x", CLAIM)
    for at, client in enumerate((one, two, one, two), 3):  # 3, 4, 5, 6
        put = f"ZADD due {score(at + 5)} x"
        client.does(put, 0, put)
    one.does("LREM p 1 x", 1, "LREM p 1 x")  # 7
    late = f"ZADD due {score(13)} x"
    one.does(late, 0, late)  # 8: its clock went off once more
    told = tape.told()
    assert taken(told) == []
    assert [(one.connection, one.until) for one in told if isinstance(one, ItemLeased)] == [
        (1, 8.0),
        (2, 9.0),
        (1, 10.0),
        (2, 11.0),
    ]
    assert len([one for one in told if isinstance(one, ItemDelivered)]) == 2
    assert settled("x", 1, 7.0) in told


def test_keys_that_equal_items_share_end_for_the_last_one() -> None:
    tape = Tape()
    tape.seeds("RPUSH q x x")
    one, two = tape.worker(), tape.worker()
    for client, who in ((one, "A"), (two, "B")):
        client.does(CLAIM, b"x", CLAIM)
        client.does(f"SET lock:x {who} EX 9", b"OK", f"SET lock:x {who} {end(tape.now + 9)}")
    one.does("SET lock:x A EX 9", b"OK", f"SET lock:x A {end(14)}")  # 5
    two.does("SET lock:x B EX 9", b"OK", f"SET lock:x B {end(15)}")  # 6
    told = tape.told()
    assert taken(told) == []
    assert [one.connection for one in told if isinstance(one, ItemLeased)] == [1, 2, 1, 2]


def test_of_a_single_item_a_lease_by_another_takes_it_over() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does(CLAIM, b"a", CLAIM)
    one.does(f"ZADD due {score(9)} a", 1, f"ZADD due {score(9)} a")
    two.does(f"ZADD due {score(12)} a", 0, f"ZADD due {score(12)} a")  # 3
    assert taken(tape.told()) == [ItemReclaimed("a", 2, "", 3.0)]


def test_a_third_one_takes_over_that_of_equal_items_whose_lease_is_over() -> None:
    tape = Tape()
    tape.seeds("RPUSH q x x")
    one, two, three = tape.worker(), tape.worker(), tape.worker()
    for at, client in enumerate((one, two)):
        client.does(CLAIM, b"x", CLAIM)
        put = f"SET lock:{at}:x 1 EX 2"
        client.does(put, b"OK", f"SET lock:{at}:x 1 {end(4 + 9 * at)}")
    tape.waits(2)  # to 7
    three.does("SET lock:3:x 1 EX 9", b"OK", f"SET lock:3:x 1 {end(15)}")
    told = tape.told()
    given = [one.connection for one in told if isinstance(one, ItemDelivered)]
    assert (len(taken(told)), given) == (1, [1, 2, 3])
    assert tape.reader.places()["leased"] == [b"x", b"x"]


def test_a_removal_by_one_that_never_had_it_is_said_to_be_that() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does(CLAIM, b"a", CLAIM)
    two.does("LREM p 1 a", 1, "LREM p 1 a")  # 2
    tape.waits(6)
    assert tape.told()[3:] == [ItemSettled("a", 2, "acked", "", at=2.0, by_holder=False)]


def test_what_was_removed_and_comes_back_late_is_no_new_one() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does(CLAIM, b"a", CLAIM)
    two.does("LREM p 1 a", 1, "LREM p 1 a")  # 2
    tape.waits(6)
    two.does("RPUSH q a", 1, "RPUSH q a")  # 9
    two.does(CLAIM, b"a", CLAIM)  # 10
    told = tape.told()[3:]
    assert told[1] == ItemEnqueued("a", "q", 2, 9.0)
    delivered = [one for one in told if isinstance(one, ItemDelivered)]
    assert [one.redelivered for one in delivered] == [True]


def test_who_had_it_once_settles_it_late() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    one.does(CLAIM, b"a", CLAIM)
    one.does("SET lock:a 1 EX 1", b"OK", f"SET lock:a 1 {end(3)}")
    tape.waits(2)
    two.does("SET lock:a 2 EX 9 NX", b"OK", f"SET lock:a 2 {end(14)} NX")  # 5
    one.does("LREM p 1 a", 1, "LREM p 1 a")  # 6
    tape.waits(6)
    late = [one for one in tape.told() if isinstance(one, ItemSettled)]
    assert [(one.connection, one.by_holder) for one in late] == [(1, True)]
