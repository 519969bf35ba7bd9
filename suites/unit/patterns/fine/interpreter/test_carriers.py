"""Items that lie in other bytes than their own: envelopes, encodings, and ids."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from hashlib import sha256

import pytest

from harness.history import (
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    NotUnderstood,
    Observation,
)
from harness.patterns.command_roles import Roles
from harness.suites.unit.dsl.redis_transcript import (
    EPOCH,
    Client,
    Said,
    Tape,
    asked,
    buried,
    end,
    given,
    score,
    settled,
)
from harness.tap.points import Signature


def envelope(body: str, attempt: int = 1) -> str:
    return json.dumps({"id": "4e1243bd", "attempts": attempt, "data": body}, separators=(",", ":"))


def escaped(item: str) -> str:
    """As PHP writes it, and others everything."""
    return "".join(f"\\u{ord(each):04x}" for each in item)


#: Ways in which an item can be read in what it is kept as.
FORMS: dict[str, Callable[[str], str]] = {
    "json": envelope,
    "json, escaped": lambda item: envelope(item).replace(item, escaped(item)),
    "json, hex": lambda item: envelope(item.encode().hex()),
    "json, base64": lambda item: envelope(base64.b64encode(item.encode()).decode()),
    "hex": lambda item: item.encode().hex(),
    "base64": lambda item: base64.b64encode(item.encode()).decode(),
    "token": lambda item: f"10.0.0.1-7:{item}",
    "compressed": lambda item: base64.b64encode(zlib.compress(item.encode())).decode(),
}
EVERY = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


class Reserving:
    """Takes from a list, and keeps what it has taken in a sorted set by deadline."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def _run(self, script: str, answer: object, *effects: Said) -> None:
        self.client.does(f"EVALSHA {script} 2 q res", answer, *effects, lua=("TIME", *effects))

    def claims(self, kept: str, until: float, old: str = "") -> None:
        effects: list[Said] = [f"ZREM res {old}"] if old else ["LPOP q"]
        self._run("claim", kept.encode(), *effects, f"ZADD res {score(until)} {kept}")

    def renews(self, kept: str, until: float) -> None:
        self._run("keep", 1, f"ZADD res {score(until)} {kept}")

    def settles(self, kept: str, *more: str) -> None:
        self._run("delete", 1, f"ZREM res {kept}", *more)

    def is_late(self, kept: str) -> None:
        self.client.does(f"EVALSHA delete 2 q res {kept}", 0, lua=("TIME", f"ZSCORE res {kept}"))


def items(told: list[Observation]) -> list[Observation]:
    kinds = (ItemDelivered, ItemSettled, ItemReturned, ItemReclaimed, ItemLeased, NotUnderstood)
    return [one for one in told if isinstance(one, kinds)]


# -- leases ---------------------------------------------------------------------------------------


@EVERY
def test_what_is_kept_in_another_form_is_leased_and_settled(form: Callable[[str], str]) -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one = Reserving(tape.worker())
    one.claims(form("apple"), 5)  # 1
    one.renews(form("apple"), 6)
    one.settles(form("apple"))  # 3
    assert tape.told() == [
        ItemEnqueued("apple", "q"),
        asked(1, 1.0),
        given("apple", 1, 1.0, until=5.0),
        ItemLeased("apple", 1, "", 6.0, 2.0),
        settled("apple", 1, 3.0),
    ]
    roles = tape.reader.roles()
    assert (roles.processing, roles.logs, roles.guessed) == ((b"res",), (), ())
    assert [one.key for one in roles.settles] == [b"delete"]
    assert tape.reader.lease_blind_spot() == ""


def test_an_envelope_that_is_exchanged_is_taken_over() -> None:
    tape = Tape(roles=Roles(settles=(Signature("EVALSHA", b"delete"),), processing=(b"res",)))
    tape.seeds("RPUSH q apple")
    one, two = Reserving(tape.worker()), Reserving(tape.worker())
    one.claims(envelope("apple"), 2)  # 1
    tape.waits(2)
    two.claims(envelope("apple", 2), 8, old=envelope("apple"))  # 4
    one.is_late(envelope("apple"))
    two.settles(envelope("apple", 2))  # 6
    assert items(tape.told()) == [
        given("apple", 1, 1.0, until=2.0),
        ItemReclaimed("apple", 2, "", 4.0),
        given("apple", 2, 4.0, until=8.0, again=True),
        settled("apple", 1, 5.0, late=True),
        settled("apple", 2, 6.0),
    ]


def test_an_envelope_that_its_holder_exchanges_is_a_renewal() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one = Reserving(tape.worker())
    one.claims(envelope("apple"), 5)  # 1
    one.claims(envelope("apple", 2), 7, old=envelope("apple"))
    one.settles(envelope("apple", 2))  # 3
    assert items(tape.told()) == [
        given("apple", 1, 1.0, until=5.0),
        ItemLeased("apple", 1, "", 7.0, 2.0),
        settled("apple", 1, 3.0),
    ]


def test_an_envelope_can_be_given_back_and_taken_again() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one, two = Reserving(tape.worker()), Reserving(tape.worker())
    one.claims(envelope("apple"), 5)  # 1
    one.renews(envelope("apple"), 2)
    two.claims(envelope("apple", 2), 8, old=envelope("apple"))  # 3
    assert items(tape.told()) == [
        given("apple", 1, 1.0, until=5.0),
        ItemReturned("apple", 1, "", 2.0),
        given("apple", 2, 3.0, until=8.0, again=True),
    ]
    assert tape.reader.places() == {"ready": [], "leased": [b"apple"], "dead": []}


def test_an_envelope_that_is_put_into_the_queue_again_is_the_item() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one, two = Reserving(tape.worker()), Reserving(tape.worker())
    one.claims(envelope("apple"), 5)  # 1
    one.settles(envelope("apple"), f"RPUSH q {envelope('apple', 2)}")
    assert tape.reader.places() == {"ready": [b"apple"], "leased": [], "dead": []}
    two.claims(envelope("apple", 2), 8)  # 3
    assert items(tape.told()) == [
        given("apple", 1, 1.0, until=5.0),
        ItemReturned("apple", 1, "", 2.0),
        given("apple", 2, 3.0, until=8.0, again=True),
    ]


def test_a_token_under_which_a_hash_has_an_encoded_item_is_its_delivery_s() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    client = tape.worker()
    form = FORMS["compressed"]("apple")
    claim = ("LPOP q", f"ZADD until {score(6)} A:1", f"HSET held A:1 {form}")
    client.does("EVALSHA claim 1 q", form.encode(), *claim, lua=claim)  # 1
    done = ("ZREM until A:1", "HDEL held A:1")
    client.does("EVALSHA done 1 q A:1", 1, *done, lua=done)  # 2
    assert items(tape.told()) == [
        given("apple", 1, 1.0, "A:1", until=6.0),
        settled("apple", 1, 2.0, "A:1"),
    ]


# -- dead letters, results, logs ------------------------------------------------------------------

TAUGHT = Roles(
    claims=(Signature("EVALSHA", b"claim"),),
    settles=(Signature("EVALSHA", b"delete"),),
    processing=(b"res",),
)
ERROR = '{"item":"apple","error":"broken"}'
#: How something can be added to a key.
KINDS = (
    "RPUSH dead {}",
    "SADD dead {}",
    "HSET dead 17 {}",
    "ZADD dead 5 {}",
    "SET dead:17 {}",
    "XADD dead 5-1 why broken body {}",
)


@EVERY
def test_what_lies_elsewhere_in_another_form_was_set_aside(form: Callable[[str], str]) -> None:
    tape = Tape(roles=TAUGHT)
    tape.seeds("RPUSH q apple")
    one = Reserving(tape.worker())
    one.claims(envelope("apple"), 5)  # 1
    one.settles(envelope("apple"), f"RPUSH dead {form('apple')}")
    assert items(tape.told()) == [given("apple", 1, 1.0, until=5.0), buried("apple", 1, 2.0)]
    assert tape.reader.roles().dead == (b"dead",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", ["apple", envelope("apple")], ids=["as it was", "envelope"])
def test_any_kind_of_key_can_be_a_dead_letter_place(kind: str, kept: str) -> None:
    tape = Tape(roles=TAUGHT)
    tape.seeds("RPUSH q apple")
    one = Reserving(tape.worker())
    one.claims(kept, 5)  # 1
    one.settles(kept, kind.format(ERROR))
    assert items(tape.told()) == [given("apple", 1, 1.0, until=5.0), buried("apple", 1, 2.0)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_may_be_written_before_the_lease_ends_or_just_after(kind: str) -> None:
    for first in (True, False):
        tape = Tape(roles=TAUGHT)
        tape.seeds("RPUSH q apple")
        one = Reserving(tape.worker())
        one.claims("apple", 5)  # 1
        commands = [kind.format(ERROR), "ZREM res apple"]
        for each in commands if first else commands[::-1]:
            one.client.does(each, 1, each)
        at = 3.0 if first else 2.0
        assert items(tape.told()) == [given("apple", 1, 1.0, until=5.0), buried("apple", 1, at)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_to_which_successes_write_is_none(kind: str) -> None:
    result = kind.format(ERROR).replace("broken", "none")
    free = Tape()
    free.seeds("RPUSH q apple banana")
    one = Reserving(free.worker())
    one.claims("apple", 5)
    one.settles("apple", result)
    one.claims(envelope("banana"), 9)
    one.client.does("x", 1, result.replace("apple", "banana"))
    one.settles(envelope("banana"))
    assert [each.how for each in free.told() if isinstance(each, ItemSettled)] == ["acked"] * 2
    tape = Tape(roles=free.reader.roles().fault_free())
    tape.seeds("RPUSH q apple")
    one = Reserving(tape.worker())
    one.claims(envelope("apple"), 5)  # 1
    one.settles(envelope("apple"), result.replace("dead:17", "dead:18"))
    assert items(tape.told()) == [given("apple", 1, 1.0, until=5.0), settled("apple", 1, 2.0)]


@pytest.mark.parametrize("kept", ["apple", ERROR], ids=["as it was", "envelope"])
def test_what_expires_is_no_dead_letter_place(kept: str) -> None:
    for together in (True, False):
        tape = Tape(roles=TAUGHT)
        tape.seeds("RPUSH q apple")
        one = Reserving(tape.worker())
        one.claims("apple", 5)  # 1
        soon = f"PEXPIREAT trash {1_800_000_003_000}"
        one.settles("apple", f"RPUSH trash {kept}", *([soon] if together else []))
        if not together:
            one.client.does("EXPIRE trash 1", 1, soon)
        assert items(tape.told()) == [given("apple", 1, 1.0, until=5.0), settled("apple", 1, 2.0)]


@pytest.mark.parametrize("log", [*KINDS, "SET last_taken {}"])
def test_a_log_beside_the_claim_is_no_lease(log: str) -> None:
    """Nothing ever goes from it, so the next run knows that the item was taken for good."""

    def plays(tape: Tape) -> list[Observation]:
        tape.seeds("RPUSH q apple banana")
        one = tape.worker()
        for name in ("apple", "banana"):
            entry = log.format(ERROR.replace("apple", name))
            entry = entry.replace("17", f"{len(name)}").replace("5-1", f"{len(name)}-1")
            one.does("EVALSHA pop 1 q", name.encode(), "LPOP q", entry, lua=("LPOP q", entry))
        return items(tape.told())

    free = Tape()
    first = plays(free)
    # One that lies in a place where it stays is nobody's success.
    assert len([one for one in first if isinstance(one, ItemSettled)]) < 2
    if log.startswith("SET last"):
        return
    assert free.reader.roles().logs
    assert plays(Tape(roles=free.reader.roles().fault_free())) == [
        given("apple", 1, 1.0, final=True),
        given("banana", 1, 2.0, final=True),
    ]


@pytest.mark.parametrize("entry", ["HINCRBY stats taken 1", f"SET since {1_800_000_001}"])
def test_a_counter_beside_the_claim_is_no_lease(entry: str) -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one = tape.worker()
    one.does("EVALSHA pop 1 q", b"apple", "LPOP q", entry, lua=("LPOP q", entry))
    assert items(tape.told()) == [given("apple", 1, 1.0, final=True)]


# -- what cannot be read --------------------------------------------------------------------------

OPAQUE, OTHER = "zz-9f4e21c0d7aa", "zz-58c1e60b7f02"


def test_unreadable_bytes_are_followed_and_prove_nothing() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one, two = Reserving(tape.worker()), Reserving(tape.worker())
    one.claims(OPAQUE, 2)  # 1
    tape.waits(2)
    two.claims(OTHER, 8, old=OPAQUE)  # 4
    two.settles(OTHER)
    told = items(tape.told())
    doubts = [each for each in told if isinstance(each, NotUnderstood)]
    assert [each.guessed for each in doubts] == [True]
    assert "res" in doubts[0].why
    assert [each for each in told if each not in doubts] == [
        given("apple", 1, 1.0, until=2.0),
        ItemReclaimed("apple", 2, "", 4.0),
        given("apple", 2, 4.0, until=8.0, again=True),
        settled("apple", 2, 5.0),
    ]
    assert tape.reader.roles().fault_free().guessed == (b"res",)


def test_an_unreadable_log_is_known_as_one_in_the_next_run() -> None:
    free = Tape()
    assert any(isinstance(each, NotUnderstood) for each in _logged(free, OPAQUE))
    tape = Tape(roles=free.reader.roles().fault_free())
    assert _logged(tape, OTHER) == [given("apple", 1, 1.0, final=True)]


def _logged(tape: Tape, entry: str) -> list[Observation]:
    tape.seeds("RPUSH q apple")
    log = f"RPUSH log {entry}"
    tape.worker().does("EVALSHA pop 1 q", b"apple", "LPOP q", log, lua=("LPOP q", log))
    return items(tape.told())


# -- where else leases may lie --------------------------------------------------------------------


def test_leases_in_another_database_are_leases() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one, two = tape.worker(), tape.worker()
    claim = ("LPOP q", "SELECT 1", f"ZADD until {score(2)} A:1", "HSET held A:1 apple", "SELECT 0")
    one.does("EVALSHA claim 1 q", b"apple", *claim, lua=claim)  # 1
    tape.waits(2)
    again = (
        "SELECT 1",
        "ZREM until A:1",
        "HDEL held A:1",
        f"ZADD until {score(9)} B:1",
        "HSET held B:1 apple",
        "SELECT 0",
    )
    two.does("EVALSHA claim 1 q", b"apple", *again, lua=again)  # 4
    done = ("SELECT 1", "ZREM until B:1", "HDEL held B:1", "SELECT 0")
    two.does("EVALSHA done 1 q", 1, *done, lua=done)
    assert items(tape.told()) == [
        given("apple", 1, 1.0, "A:1", until=2.0),
        ItemReclaimed("apple", 2, "A:1", 4.0),
        given("apple", 2, 4.0, "B:1", until=9.0, again=True),
        settled("apple", 2, 5.0, "B:1"),
    ]
    assert tape.reader.roles().processing == (b"database 1: held",)


def test_keys_of_one_name_in_two_databases_are_two() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one = tape.worker()
    for said in ("RPUSH q banana", "DEL q", "FLUSHDB"):
        one.does("SELECT 1", b"OK")
        one.does(said, 1, "SELECT 1", said, "SELECT 0")
    assert tape.reader.places()["ready"] == [b"apple"]
    one.does("FLUSHDB", b"OK", "FLUSHDB")
    assert tape.reader.places()["ready"] == []


def test_fields_that_end_are_leases_and_understood() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple")
    one = tape.worker()
    until = f"{((1_800_000_000 + 6) * 1000)}"
    claim = ("LPOP q", "HSET held apple A:1", f"HPEXPIREAT held {until} FIELDS 1 apple")
    lua = (*claim[:2], "HPEXPIRE held 5000 FIELDS 1 apple")
    one.does("EVALSHA claim 1 q", b"apple", *claim, lua=lua)  # 1
    one.does("HDEL held apple", 1, "HDEL held apple")
    assert items(tape.told()) == [
        given("apple", 1, 1.0, "A:1", until=6.0),
        settled("apple", 1, 2.0, "A:1"),
    ]
    assert tape.reader.lease_blind_spot() == ""


# -- ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["apple", envelope("apple")], ids=["as it was", "envelope"])
@pytest.mark.parametrize("name", ["7", "4e1243bd-91aa"])
def test_an_id_stands_for_the_item_whose_hash_it_names(body: str, name: str) -> None:
    """The hash stays for ever, as the description of a job; the id is leased, and goes."""

    def plays(tape: Tape) -> list[Observation]:
        tape.seeds("RPUSH q apple")
        one, two = tape.worker(), tape.worker()
        claim: list[Said] = [
            "LPOP q",
            f"HSET job:{name} data {body} status active",
            f"ZADD active {score(2)} {name}",
        ]
        one.does("EVALSHA claim 1 q", [name.encode(), body.encode()], *claim, lua=claim)  # 1
        if tape is not free:
            tape.waits(2)
            again: list[Said] = [f"ZADD active {score(9)} {name}", f"HSET job:{name} owner two"]
            two.does("EVALSHA claim 1 q", [name.encode(), body.encode()], *again, lua=again)  # 4
        last = one if tape is free else two
        done: list[Said] = [f"ZREM active {name}", f"HSET job:{name} status done"]
        last.does(f"EVALSHA done 1 q {name}", 1, *done, lua=done)
        return items(tape.told())

    free = Tape()
    told = plays(free)
    assert [type(one) for one in told] == [ItemDelivered, ItemSettled]
    assert told[1] == settled("apple", 1, 2.0, told[0].token)  # type: ignore[union-attr]
    roles = free.reader.roles().fault_free()
    assert f"job:{name}".encode() in roles.done
    told = plays(Tape(roles=roles))
    assert [type(one) for one in told] == [
        ItemDelivered,
        ItemReclaimed,
        ItemDelivered,
        ItemSettled,
    ]
    assert {one.connection for one in told[1:]} == {2}  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["result:{}", "out:{}:4e1243bd91aa", "log:job-wq-2-x7k2p"])
def test_keys_of_results_are_known_that_are_named_after_items(key: str) -> None:
    def plays(tape: Tape, item: str) -> list[Observation]:
        tape.seeds(f"RPUSH q {item}")
        one = Reserving(tape.worker())
        one.claims(item, 5)
        one.settles(item, f"SET {key.format(item)} ok-9f4e21c0d7aa-{item}")
        return items(tape.told())

    free = Tape()
    plays(free, "apple")
    told = plays(Tape(roles=free.reader.roles().fault_free()), "kiwi")
    assert told == [given("kiwi", 1, 1.0, until=5.0), settled("kiwi", 1, 2.0)]


def test_what_waits_for_later_in_another_form_is_given_back() -> None:
    stories = []
    for kept, again in (("apple", "apple"), (envelope("apple"), envelope("apple", 2))):
        tape = Tape(roles=TAUGHT)
        tape.seeds("RPUSH q apple")
        one = Reserving(tape.worker())
        one.claims(kept, 5)  # 1
        one.settles(kept, f"ZADD later {score(60)} {again}")
        stories.append(items(tape.told()))
    assert stories[0] == stories[1]
    assert ItemReturned("apple", 1, "", 2.0) in stories[1]


# -- data of a job that runs out ------------------------------------------------------------------


def kept_for(seconds: int) -> Tape:
    """rq's way: an id in a registry, the data in a hash of the job, which runs out by itself."""
    tape = Tape()
    tape.seeds("RPUSH q apple-1")
    one = tape.worker()
    effects = (
        "LPOP q",
        "HSET q:job:4af3c9d2e1b0 data apple-1 tries 1",
        f"ZADD wip {score(9)} 4af3c9d2e1b0",
        f"PEXPIREAT q:job:4af3c9d2e1b0 {int((EPOCH + 1 + seconds) * 1000)}",
    )
    looks = (*effects[:3], f"EXPIRE q:job:4af3c9d2e1b0 {seconds}")
    one.does("EVALSHA c1a1 1 q", [b"apple-1", 1], *effects, lua=looks)  # 1
    one.leaves()  # 2
    return tape


def test_the_data_of_a_job_run_out_by_themselves() -> None:
    tape = kept_for(3)
    tape.waits(1)
    tape.forgets("DEL q:job:4af3c9d2e1b0")  # 4
    told = tape.told()
    assert told[-1] == ItemSettled("apple-1", None, "expired", at=4.0, by_holder=False)
    assert not any(isinstance(one, NotUnderstood) for one in told)


def test_a_script_that_looks_too_late_finds_them_gone() -> None:
    tape = kept_for(3)
    tape.waits(2)
    two = tape.worker()
    looks = ("ZRANGEBYSCORE wip -inf 9", "HMGET q:job:4af3c9d2e1b0 data tries")
    drops = ("ZREM wip 4af3c9d2e1b0", "DEL q:job:4af3c9d2e1b0")
    effects = ("DEL q:job:4af3c9d2e1b0", "ZREM wip 4af3c9d2e1b0")
    two.does("EVALSHA c1a1 1 q", None, *effects, lua=(*looks, *drops))  # 5
    kinds = [one.how for one in tape.told() if isinstance(one, ItemSettled)]
    assert kinds in (["expired"], ["acked"])


def test_what_somebody_deletes_unseen_is_not_understood() -> None:
    tape = Tape()
    tape.seeds("RPUSH q apple-1")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"apple-1", "LMOVE q p LEFT RIGHT")
    tape.forgets("DEL p")
    assert any(isinstance(one, NotUnderstood) for one in tape.told())


def test_a_lock_that_is_named_after_the_id_of_a_job_is_a_lease_on_it() -> None:
    """Bull's way: ids in `active`, the data in a hash for each job, a lock beside it."""
    tape = Tape()
    tape.seeds("RPUSH q apple-1 banana-2")
    one, two = tape.worker(), tape.worker()

    def takes(client: Client, job: str, item: str, lock: str, until: float) -> None:
        first = lock != "new"
        new = ["LPOP q", f"HSET q:{job} data {item}", f"RPUSH q:active {job}"] if first else []
        effects = [*new, f"SET q:{job}:lock {lock} {end(until)}"]
        looks = ("LRANGE q:active 0 -1", *effects, f"HGET q:{job} data")
        client.does("EVALSHA c1a1 1 q", [job.encode(), item.encode()], *effects, lua=looks)

    takes(one, "aa11aa11aa11", "apple-1", "mine", 5.0)  # 1
    takes(two, "bb22bb22bb22", "banana-2", "yours", 8.0)  # 2
    tape.waits(3)
    tape.forgets("DEL q:aa11aa11aa11:lock")  # 6
    takes(two, "aa11aa11aa11", "apple-1", "new", 13.0)  # 7
    done = ("LREM q:active 1 aa11aa11aa11", "DEL q:aa11aa11aa11", "DEL q:aa11aa11aa11:lock")
    two.does("EVALSHA d0d0 1 q", 1, *done, lua=done)  # 8
    told = tape.told()
    deliveries = [(one.item, one.connection) for one in told if isinstance(one, ItemDelivered)]
    assert deliveries == [("apple-1", 1), ("banana-2", 2), ("apple-1", 2)]
    assert [one.until for one in told if isinstance(one, ItemDelivered)] == [5.0, 8.0, 13.0]
    assert told[-1] == settled("apple-1", 2, 8.0, "new")


def test_a_lease_named_after_an_item_s_digest_does_not_keep_it() -> None:
    """Who pops the item, and writes only who has it, keeps it nowhere."""
    tape = Tape()
    tape.seeds("RPUSH q apple banana")
    one = tape.worker()
    lease = f"lease:{sha256(b'apple').hexdigest()}"
    one.transacts(
        [("LPOP q", b"apple"), (f"SET {lease} 4e1243bd-91aa:1 PX 6000", b"OK")],
        "LPOP q",
        f"SET {lease} 4e1243bd-91aa:1 {end(7)}",
    )
    told = tape.told()
    assert not any(isinstance(one, NotUnderstood) for one in told)
    (delivery,) = (one for one in told if isinstance(one, ItemDelivered))
    assert delivery.final
