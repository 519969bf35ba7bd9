"""Jobs under ids, as of Bull: the data stay in a hash, and the id goes from list to list."""

from __future__ import annotations

from harness.history import (
    ItemDelivered,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    NotUnderstood,
    Observation,
)
from harness.patterns.command_roles import Roles
from harness.suites.unit.dsl.redis_transcript import Client, Said, Tape, end, given, score, settled
from harness.tap.points import Signature

LOOKS = ("ZRANGEBYSCORE b:delayed -inf 9", "LPOP b:again")


class Bull:
    """Redis, and what the scripts of such a worker do to it."""

    def __init__(self, items: str) -> None:
        # As after the fault-free run: what comes to rest now comes of a failure.
        self.tape = Tape(roles=Roles(claims=(Signature("EVALSHA", b"c1a1"),)))
        self.tape.seeds(f"RPUSH q {items}")
        self.ids = 0

    def takes(self, client: Client, item: str, *, job: int = 0, before: str = "") -> int:
        """A new job, or one whose id `before` takes away from where it waits."""
        now = self.tape.now
        first: list[str] = [before] if before else []
        if not job:
            self.ids += 1
            job = self.ids
            first = ["LPOP q", f"INCR b:id {job}".rsplit(" ", 1)[0], f"HSET b:{job} data {item}"]
        effects = [*first, f"RPUSH b:active {job}", f"SET b:{job}:lock t{now:.0f} {end(now + 9)}"]
        lua: list[Said] = [*LOOKS, *effects[:-1], f"SET b:{job}:lock t{now:.0f} PX 9000"]
        answer = [str(job).encode(), item.encode()]
        client.does("EVALSHA c1a1 3 q", answer, *effects, lua=[*lua, f"HGET b:{job} data"])
        return job

    def finishes(self, client: Client, job: int) -> None:
        self._owned(client, "f1f1", job, 1, f"DEL b:{job}")

    def fails(self, client: Client, job: int, attempt: int, *, last: bool = False) -> None:
        now = self.tape.now
        place = (
            f"ZADD b:failed {score(now)} {job}"
            if last
            else (f"ZADD b:delayed {score(now + 0.5)} {job}")
        )
        self._owned(client, "fa11", job, attempt, f"HSET b:{job} atm {attempt}", place)

    def _owned(self, client: Client, script: str, job: int, answer: int, *then: str) -> None:
        effects = [f"DEL b:{job}:lock", f"LREM b:active 1 {job}", *then]
        lua: list[Said] = [f"GET b:{job}:lock", *effects]
        client.does(f"EVALSHA {script} 3 q", answer, *effects, lua=lua)

    def stalled(self, client: Client, job: int) -> None:
        """The lock has gone: somebody else puts the id where claims look."""
        effects = [f"LREM b:active 1 {job}", f"HSET b:{job} stc 1", f"LPUSH b:again {job}"]
        client.does("EVALSHA 57a1 3 q", 1, *effects, lua=["LRANGE b:active 0 -1", *effects])

    def told(self, *kinds: type) -> list[Observation]:
        told = self.tape.told()
        assert not [one for one in told if isinstance(one, NotUnderstood)]
        return [one for one in told if isinstance(one, kinds)]


WHAT = (ItemDelivered, ItemReturned, ItemReclaimed, ItemSettled)


def test_a_job_that_is_done() -> None:
    bull = Bull("apple banana")
    one = bull.tape.worker()
    for item in ("apple", "banana"):
        bull.finishes(one, bull.takes(one, item))
    assert bull.told(*WHAT) == [
        given("apple", 1, 1.0, "t1", until=10.0),
        settled("apple", 1, 2.0, "t1"),
        given("banana", 1, 3.0, "t3", until=12.0),
        settled("banana", 1, 4.0, "t3"),
    ]


def test_a_job_that_fails_waits_and_is_set_aside_in_the_end() -> None:
    bull = Bull("apple banana")
    one = bull.tape.worker()
    bull.finishes(one, bull.takes(one, "apple"))
    job = bull.takes(one, "banana")  # 3
    bull.fails(one, job, 1)  # 4
    bull.takes(one, "banana", job=job, before=f"ZREM b:delayed {job}")  # 5
    bull.fails(one, job, 2, last=True)  # 6
    assert [type(each) for each in bull.told(*WHAT)[2:]] == [
        ItemDelivered,
        ItemReturned,
        ItemDelivered,
        ItemSettled,
    ]
    last = bull.told(*WHAT)[-1]
    assert isinstance(last, ItemSettled)
    assert (last.item, last.how) == ("banana", "dead")
    assert bull.tape.reader.bodies() == {b"b:2": "dead"}


def test_the_moment_until_which_a_job_waits_is_no_lease() -> None:
    bull = Bull("apple")
    one = bull.tape.worker()
    job = bull.takes(one, "apple")
    bull.fails(one, job, 1)
    assert bull.told(ItemLeased) == []


def test_a_job_whose_lock_has_gone_comes_to_another() -> None:
    bull = Bull("apple banana")
    one, two = bull.tape.worker(), bull.tape.worker()
    job = bull.takes(one, "apple")  # 1
    bull.finishes(two, bull.takes(two, "banana"))  # 2, 3
    bull.tape.waits(7)
    bull.tape.forgets(f"DEL b:{job}:lock")  # 11
    bull.stalled(two, job)  # 12
    bull.takes(two, "apple", job=job, before="LPOP b:again")  # 13
    assert bull.tape.reader.bodies() == {b"b:1": "leased"}
    bull.finishes(two, job)  # 14
    told = [one for one in bull.told(*WHAT) if getattr(one, "item", "") == "apple"]
    assert [(type(each), getattr(each, "connection", None)) for each in told] == [
        (ItemDelivered, 1),
        (ItemReclaimed, 2),
        (ItemDelivered, 2),
        (ItemSettled, 2),
    ]
    assert told[-1] == settled("apple", 2, 14.0, "t13")


def test_a_clock_of_ids_is_no_place_of_the_item() -> None:
    """`INCR b:id` gives 1, and then 2: the item with the id 1 has not gone anywhere by that."""
    bull = Bull("apple banana")
    one, two = bull.tape.worker(), bull.tape.worker()
    bull.takes(one, "apple")
    bull.takes(two, "banana")
    assert [type(each) for each in bull.told(*WHAT)] == [ItemDelivered, ItemDelivered]
    assert bull.tape.reader.places()["leased"] == [b"apple", b"banana"]


def test_leases_by_the_id_are_read_where_claims_look_for_what_has_expired() -> None:
    """Beanstalk's way: one hash has the data by id, a sorted set has until when, by id."""
    tape = Tape()
    tape.seeds("RPUSH q apple banana cherry")
    one, two = tape.worker(), tape.worker()
    looks = ("ZRANGEBYSCORE q.delayed -inf 9", "ZRANGEBYSCORE q.reserved -inf 9")

    def takes(client: Client, item: str, job: int, until: float, *, first: bool = True) -> None:
        new = ["LPOP q", "INCR q.seq", f"HSET q.body {job} {item}"]
        old = [f"ZREM q.reserved {job}", f"LPUSH q.ready {job}", "LPOP q.ready"]
        effects = [*(new if first else old), f"ZADD q.reserved {score(until)} {job}"]
        answer = [str(job).encode(), item.encode()]
        client.does("EVALSHA c1a1 1 q", answer, *effects, lua=[*looks, *effects])

    def finishes(client: Client, job: int) -> None:
        effects = [f"ZREM q.reserved {job}", f"HDEL q.body {job}"]
        client.does("EVALSHA d0d0 1 q", 1, *effects, lua=effects)

    takes(one, "apple", 1, 7.0)  # 1
    takes(two, "banana", 2, 8.0)
    finishes(two, 2)
    takes(two, "cherry", 3, 10.0)  # 4
    finishes(two, 3)
    tape.waits(3)
    takes(two, "apple", 1, 15.0, first=False)  # 9
    finishes(two, 1)
    told = [one for one in tape.told() if isinstance(one, (ItemDelivered, ItemReclaimed))]
    assert [getattr(one, "until", None) for one in told] == [7.0, 8.0, 10.0, None, 15.0]
    assert [one.connection for one in told] == [1, 2, 2, 2, 2]
