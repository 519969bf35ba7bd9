"""Queues that scripts keep: the reference worker's, and a sorted set with visibility time-outs."""

from __future__ import annotations

from collections.abc import Sequence

from harness.history import (
    FoundEmpty,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    NotUnderstood,
)
from harness.patterns.command_roles import Roles
from harness.suites.unit.dsl.redis_transcript import (
    Client,
    Said,
    Tape,
    asked,
    buried,
    given,
    score,
    settled,
)
from harness.tap.points import Signature
from harness.tap.records import ErrorReply

KEYS = "5 q q:leases q:items q:attempts q:dead"
ROLES = Roles(
    claims=(Signature("EVALSHA", b"claim"),),
    settles=(Signature("EVALSHA", b"complete"),),
    renews=(Signature("EVALSHA", b"renew"),),
    gives_back=(Signature("EVALSHA", b"give_back"),),
    processing=(b"q:items",),
    dead=(b"q:dead",),
)


class Reference:
    """A session of the reference worker; what its scripts do was seen at a real Redis."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def _run(self, script: str, token: str, answer: object, *effects: Said) -> None:
        looks: Sequence[Said] = ("TIME", f"ZSCORE q:leases {token}")
        self.client.does(
            f"EVALSHA {script} {KEYS} {token} 10 3", answer, *effects, lua=(*looks, *effects)
        )

    def claim(self, token: str, item: str, until: float, old: str = "") -> None:
        effects = self._forget(old) if old else ["LPOP q"]
        effects += [
            f"ZADD q:leases {score(until)} {token}",
            f"HSET q:items {token} {item}",
            f"HSET q:attempts {token} 1",
        ]
        self._run("claim", token, item.encode(), *effects)

    def bury(self, token: str, item: str, old: str) -> None:
        """It looks for an item and sets one aside, that was tried too often."""
        self._run("claim", token, None, *self._forget(old), f"RPUSH q:dead {item}")

    def find_nothing(self, token: str) -> None:
        self._run("claim", token, None)

    def renew(self, token: str, until: float) -> None:
        self._run("renew", token, 1, f"ZADD q:leases {score(until)} {token}")

    def give_back(self, token: str, at: float) -> None:
        self._run("give_back", token, 1, f"ZADD q:leases {score(at)} {token}")

    def complete(self, token: str, done: bool = True) -> None:
        self._run("complete", token, int(done), *self._forget(token) if done else ())

    def empty(self, ready: int, leased: int) -> None:
        self.client.transacts([("LLEN q", ready), ("ZCARD q:leases", leased)])

    def _forget(self, token: str) -> list[Said]:
        return [f"ZREM q:leases {token}", f"HDEL q:items {token}", f"HDEL q:attempts {token}"]


def test_the_reference_worker_claims_renews_and_completes() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = Reference(tape.worker())
    one.empty(1, 0)
    one.claim("A:1", "a", 12)  # 2
    one.renew("A:1", 15)
    one.complete("A:1")  # 4
    one.empty(0, 0)
    one.find_nothing("A:2")  # 6
    assert tape.told() == [
        ItemEnqueued("a", "q"),
        asked(1, 2.0),
        given("a", 1, 2.0, "A:1", until=12.0),
        ItemLeased("a", 1, "A:1", 15.0, 3.0),
        settled("a", 1, 4.0, "A:1"),
        FoundEmpty(1, "q", 5.0),
        asked(1, 6.0),
        FoundEmpty(1, "q", 6.0),
    ]
    assert tape.reader.lease_blind_spot() == ""
    assert tape.reader.roles() == Roles(
        claims=ROLES.claims,
        settles=ROLES.settles,
        renews=ROLES.renews,
        asks=(Signature("LLEN", b"q"), Signature("ZCARD", b"q:leases")),
        processing=(b"q:items",),
    )


def test_an_expired_lease_is_taken_over_and_the_late_ack_is_void() -> None:
    tape = Tape()
    tape.seeds("RPUSH q b a")
    one, two = Reference(tape.worker()), Reference(tape.worker())
    one.claim("A:1", "b", 2)  # 1
    one.complete("A:1")
    one.claim("A:2", "a", 4)  # 3
    tape.waits(1)
    two.claim("B:1", "a", 10, old="A:2")  # 5
    one.complete("A:2", done=False)  # 6
    one.complete("A:2", done=False)
    two.complete("B:1")  # 8
    assert tape.told()[5:] == [
        asked(1, 3.0),
        given("a", 1, 3.0, "A:2", until=4.0),
        asked(2, 5.0),
        ItemReclaimed("a", 2, "A:2", 5.0),
        given("a", 2, 5.0, "B:1", until=10.0, again=True),
        settled("a", 1, 6.0, "A:2", late=True),
        settled("a", 2, 8.0, "B:1"),
    ]


def test_who_takes_what_is_settled_by_then_has_it_once_more() -> None:
    """It had looked for what is expired before, and takes that without a second look."""
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = Reference(tape.worker()), Reference(tape.worker())
    one.claim("A:1", "a", 2)  # 1
    one.complete("A:1")  # 2
    two.claim("B:1", "a", 10, old="A:1")  # 3
    two.complete("B:1")  # 4
    assert tape.told()[2:] == [
        given("a", 1, 1.0, "A:1", until=2.0),
        settled("a", 1, 2.0, "A:1"),
        asked(2, 3.0),
        given("a", 2, 3.0, "B:1", until=10.0, again=True),
        settled("a", 2, 4.0, "B:1"),
    ]


def test_an_ack_is_void_from_the_first_when_its_script_is_known() -> None:
    tape = Tape(roles=ROLES)
    tape.seeds("RPUSH q a")
    one, two = Reference(tape.worker()), Reference(tape.worker())
    one.claim("A:1", "a", 1.5)
    two.claim("B:1", "a", 10, old="A:1")
    one.complete("A:1", done=False)  # 3
    assert tape.told()[-1] == settled("a", 1, 3.0, "A:1", late=True)


def test_what_is_given_back_is_taken_by_another_and_is_not_reclaimed() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = Reference(tape.worker()), Reference(tape.worker())
    one.claim("A:1", "a", 10)
    one.give_back("A:1", 2)
    assert tape.reader.roles().gives_back == ROLES.gives_back
    two.claim("B:1", "a", 13, old="A:1")  # 3
    assert tape.told()[3:] == [
        ItemReturned("a", 1, "A:1", 2.0),
        asked(2, 3.0),
        given("a", 2, 3.0, "B:1", until=13.0, again=True),
    ]
    assert tape.reader.places() == {"ready": [], "leased": [b"a"], "dead": []}


def test_a_slow_script_gives_back_at_a_moment_of_its_own() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    client = tape.worker()
    Reference(client).claim("A:1", "a", 10)  # 1
    client.asks("EVALSHA give_back")
    tape.shows(client.address, "EVALSHA give_back")
    tape.now += 0.5  # Redis was held up; then the script looks at the clock
    effect = f"ZADD q:leases {score(tape.now)} A:1"
    tape.shows("lua", effect)
    tape.changes(effect)
    tape.step()
    assert tape.told()[3:] == [ItemReturned("a", 1, "A:1", 2.0)]


def test_what_was_tried_too_often_is_set_aside_by_who_looks_for_items() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = Reference(tape.worker()), Reference(tape.worker())
    one.claim("A:1", "a", 10)
    one.give_back("A:1", 2)
    two.bury("B:1", "a", old="A:1")  # 3
    assert tape.told()[4:] == [asked(2, 3.0), buried("a", 2, 3.0, "A:1"), FoundEmpty(2, "q", 3.0)]
    assert tape.reader.roles().dead == (b"q:dead",)
    assert tape.reader.places() == {"ready": [], "leased": [], "dead": [b"a"]}


def test_a_lost_answer_is_asked_for_again_with_the_same_token() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.asks(f"EVALSHA claim {KEYS} A:1 10 3")
    effects = (f"ZADD q:leases {score(11)} A:1", "HSET q:items A:1 a", "HSET q:attempts A:1 1")
    tape.shows(one.address, f"EVALSHA claim {KEYS} A:1 10 3", lua=("LPOP q", *effects))
    tape.changes("LPOP q", *effects)
    one.leaves()  # 1: before the answer
    two = tape.worker("10.0.0.1")
    two.does(f"EVALSHA claim {KEYS} A:1 10 3", b"a", lua=("TIME", "ZSCORE q:leases A:1"))  # 2
    assert tape.told() == [
        ItemEnqueued("a", "q"),
        asked(1, 1.0),
        given("a", 1, 1.0, "A:1", until=11.0),
        asked(2, 2.0),
        given("a", 2, 2.0, "A:1", until=11.0, again=True),
    ]


def test_a_script_that_is_not_there_yet_asks_for_nothing() -> None:
    tape = Tape(roles=ROLES)
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does(f"EVALSHA claim {KEYS} A:1 10 3", ErrorReply("NOSCRIPT No matching script."))
    one.does("SCRIPT LOAD return", b"claim")
    Reference(one).claim("A:1", "a", 10)  # 3
    assert tape.told()[1:] == [asked(1, 3.0), given("a", 1, 3.0, "A:1", until=10.0)]


def test_a_sorted_set_hides_what_is_claimed_until_its_deadline() -> None:
    claim = "EVAL script 1 q"
    tape = Tape()
    tape.seeds(f"ZADD q {score(-9)} a {score(-8)} b")
    one, two = tape.worker(), tape.worker()
    first = f"ZADD q {score(5)} a"
    one.does(claim, b"a", first, lua=("ZRANGEBYSCORE q -inf 0", first))  # 1
    two.does(f"ZADD q {score(4)} c", 1, f"ZADD q {score(4)} c")  # 2: a new one, for later
    one.does(f"ZADD q {score(6)} a", 0, f"ZADD q {score(6)} a")  # 3
    assert tape.reader.places() == {"ready": [b"b", b"c"], "leased": [b"a"], "dead": []}
    one.does(f"ZADD q {score(4)} a", 0, f"ZADD q {score(4)} a")  # 4: back
    again = f"ZADD q {score(9)} a"
    two.does(claim, b"a", again, lua=("ZRANGEBYSCORE q -inf 0", again))  # 5
    two.does("ZREM q a", 1, "ZREM q a")
    assert tape.told()[2:] == [
        asked(1, 1.0),
        given("a", 1, 1.0, until=5.0),
        ItemEnqueued("c", "q", 2, 2.0),
        ItemLeased("a", 1, "", 6.0, 3.0),
        ItemReturned("a", 1, at=4.0),
        asked(2, 5.0),
        given("a", 2, 5.0, until=9.0, again=True),
        settled("a", 2, 6.0),
    ]


def test_what_a_script_does_that_is_not_known_is_said_once() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    for _ in range(2):
        one.does("EVAL x 0", None, "SORT q STORE r", lua=("SORT q STORE r",))
    assert tape.told()[1:] == [
        NotUnderstood(1, "broker", "what SORT does to items is not known", "SORT q STORE r", 14)
    ]


def test_a_script_that_counts_asks_whether_there_is_something() -> None:
    tape = Tape(roles=ROLES)
    tape.seeds("RPUSH q a")
    one = tape.worker()
    counts = ("TIME", "LLEN q", "ZCARD q:leases")
    one.does("EVAL left 2 q q:leases", 1, lua=counts)
    one.does("EVAL odd 2 q q:leases", 0, lua=(*counts, "GET x"))
    one.does("EVAL left 2 q q:leases", 0, lua=counts)  # 3
    assert tape.told()[1:] == [FoundEmpty(1, "q", 3.0)]
    assert tape.reader.roles().asks == (Signature("EVAL", b"left"),)


def test_each_command_may_have_a_connection_of_its_own() -> None:
    """As redis-cli has."""
    tape = Tape(roles=ROLES)
    tape.seeds("RPUSH q a")
    for number, (script, effects) in enumerate(
        (
            ("claim", ("LPOP q", f"ZADD q:leases {score(9)} T", "HSET q:items T a")),
            ("renew", (f"ZADD q:leases {score(12)} T",)),
            ("complete", ("ZREM q:leases T", "HDEL q:items T")),
        ),
        1,
    ):
        one = tape.worker("10.1.1.1")
        answer = [b"T", b"a"] if script == "claim" else 1
        one.does(f"EVALSHA {script} {KEYS} T", answer, *effects, lua=effects)
        one.leaves()
        assert number == one.number
    assert tape.told()[1:] == [
        asked(1, 1.0),
        given("a", 1, 1.0, "T", until=9.0),
        ItemLeased("a", 2, "T", 12.0, 3.0),
        settled("a", 3, 5.0, "T"),
    ]


def test_what_is_not_known_doubts_only_the_items_that_it_names() -> None:
    """Where it does not touch a key in which items lie."""
    tape = Tape()
    tape.seeds("RPUSH q a b")
    one = tape.worker()
    one.does("GEOADD seen 1 2 a", 1, "GEOADD seen 1 2 a")
    one.does("GEOADD seen 1 2 a", 1, "GEOADD seen 1 2 a")
    one.does("GEOADD q 1 2 a", 1, "GEOADD q 1 2 a")
    told = [event for event in tape.told() if isinstance(event, NotUnderstood)]
    assert [event.items for event in told] == [("a",), ()]


def test_what_keeps_no_bytes_is_nothing_to_items() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a b")
    one = tape.worker()
    for said in ("PFADD seen a", "BF.ADD known a", "BITFIELD bits SET u8 0 1"):
        one.does(said, 1, said)
    assert tape.told()[2:] == []
