"""Queues that are streams with a consumer group."""

from __future__ import annotations

from redis_tape import EPOCH, Client, Tape, asked, given, settled

from harness.history import (
    AskedForItem,
    FoundEmpty,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    LeaseExpired,
)
from harness.tap.points import Signature
from harness.wire.roles import Roles

READ = "XREADGROUP GROUP g {} COUNT 1 STREAMS q >"


def stream(roles: Roles | None = None) -> Tape:
    """A stream with three entries."""
    tape = Tape(roles=roles)
    tape.seeds("XGROUP CREATE q g 0 MKSTREAM")
    for number, item in enumerate("abc", 1):
        tape.seeds(f"XADD q * item {item}", f"XADD q {number}-0 item {item}")
    return tape


def claim(tape: Tape, number: int, consumer: str, tries: int = 1) -> str:
    """How Redis replicates that a consumer was given an entry."""
    since = int((EPOCH + tape.now) * 1000)
    return (
        f"XCLAIM q g {consumer} 0 {number}-0 TIME {since} RETRYCOUNT {tries} FORCE JUSTID "
        f"LASTID {number}-0"
    )


def read(client: Client, number: int, item: str, consumer: str) -> None:
    answer = [[b"q", [[b"%d-0" % number, [b"item", item.encode()]]]]]
    client.does(READ.format(consumer), answer, claim(client.tape, number, consumer))


def test_entries_are_delivered_and_acknowledged() -> None:
    tape = stream()
    one, two = tape.worker(), tape.worker()
    read(one, 1, "a", "A")  # 4
    read(two, 2, "b", "B")
    one.does("XACK q g 1-0", 1, "XACK q g 1-0")  # 6
    one.does("XACK q g 1-0", 0)
    one.does("XDEL q 1-0", 1, "XDEL q 1-0")  # 8
    assert tape.told() == [
        *(ItemEnqueued(item, "q") for item in "abc"),
        asked(1, 4.0),
        given("a", 1, 4.0, "1-0"),
        asked(2, 5.0),
        given("b", 2, 5.0, "2-0"),
        settled("a", 1, 6.0, "1-0"),
        settled("a", 1, 7.0, "1-0", late=True),
    ]
    assert tape.reader.places() == {"ready": [b"c"], "leased": [b"b"], "dead": []}
    assert tape.reader.roles() == Roles(
        claims=(Signature("XREADGROUP", b"GROUP"),), settles=(Signature("XACK", b"q"),)
    )
    assert tape.reader.leases_understood() == (
        "nobody used XAUTOCLAIM or XCLAIM, so it is not known when a lease ends"
    )


def test_idle_entries_are_taken_over_and_that_says_how_long_a_lease_is() -> None:
    tape = stream()
    one, two = tape.worker(), tape.worker()
    read(one, 1, "a", "A")  # 4
    answer = [b"0-0", [[b"1-0", [b"item", b"a"]]], []]
    two.does("XAUTOCLAIM q g B 3000 0 COUNT 1", answer, claim(tape, 1, "B", 2))  # 5
    two.does("XCLAIM q g B 0 1-0 JUSTID", [b"1-0"], claim(tape, 1, "B", 2))  # 6
    one.does("XACK q g 1-0", 1, "XACK q g 1-0")  # 7: Redis does not ask who it is
    two.does("XACK q g 1-0", 0)
    read(one, 2, "b", "A")  # 9
    assert tape.told()[5:] == [
        asked(2, 5.0),
        ItemReclaimed("a", 2, "1-0", 5.0),
        given("a", 2, 5.0, "1-0", until=8.0, again=True),
        ItemLeased("a", 2, "1-0", 9.0, 6.0),
        settled("a", 1, 7.0, "1-0"),
        settled("a", 2, 8.0, "1-0", late=True),
        asked(1, 9.0),
        given("b", 1, 9.0, "2-0", until=12.0),
    ]
    assert tape.reader.roles().idle == 3.0
    assert tape.reader.leases_understood() == ""
    assert not [one for one in tape.events if isinstance(one, LeaseExpired)]


def test_what_was_learned_of_leases_holds_from_the_first_delivery() -> None:
    tape = stream(Roles(idle=30.0))
    read(tape.worker(), 1, "a", "A")
    assert tape.told()[-1] == given("a", 1, 4.0, "1-0", until=34.0)


def test_who_waits_is_served_when_an_entry_comes() -> None:
    tape = Tape()
    tape.seeds("XGROUP CREATE q g $ MKSTREAM")
    one, two = tape.worker(), tape.worker()
    wait = "XREADGROUP GROUP g {} COUNT 1 BLOCK 2000 STREAMS q >"
    first, second = one.does(wait.format("A")), two.does(wait.format("B"))  # 1, 2
    tape.shows("127.0.0.1:39999", "XADD q * item a")
    for effect in ("XADD q 1-0 item a", claim(tape, 1, "A")):
        tape.changes(effect)
    one.hears(first, {b"q": [[b"1-0", [b"item", b"a"]]]})
    tape.step()  # 3
    two.hears(second, None)
    assert tape.told() == [
        asked(1, 1.0),
        asked(2, 2.0),
        ItemEnqueued("a", "q"),
        given("a", 1, 3.0, "1-0"),
        FoundEmpty(2, "q", 4.0),
    ]


def test_a_new_container_reads_what_its_consumer_had() -> None:
    tape = stream()
    old = tape.worker("10.1.1.1")
    read(old, 1, "a", "A")  # 4
    old.leaves()
    new = tape.worker("10.1.1.1")
    answer = [[b"q", [[b"1-0", [b"item", b"a"]]]]]
    new.does("XREADGROUP GROUP g A STREAMS q 0", answer)  # 6
    assert tape.told()[5:] == [
        AskedForItem(2, "q", None, 6.0),
        ItemReclaimed("a", 2, "1-0", 6.0),
        given("a", 2, 6.0, "1-0", again=True),
    ]


def test_what_is_read_without_acknowledgement_is_final() -> None:
    tape = stream()
    one = tape.worker()
    answer = [[b"q", [[b"1-0", [b"item", b"a"]], [b"2-0", [b"item", b"b"]]]]]
    effect = "XGROUP SETID q g 2-0 ENTRIESREAD 2"
    one.does("XREADGROUP GROUP g A COUNT 2 NOACK STREAMS q >", answer, effect)
    assert tape.told()[4:] == [given("a", 1, 4.0, final=True), given("b", 1, 4.0, final=True)]
    assert tape.reader.places()["ready"] == [b"c"]


def test_only_one_group_and_one_stream_count() -> None:
    tape = stream()
    tape.seeds("XGROUP CREATE q audit 0")
    one = tape.worker()
    other = claim(tape, 1, "A").replace(" g ", " audit ")
    one.does("XREADGROUP GROUP audit A STREAMS q >", {}, other)
    one.does("XACK q audit 1-0", 1, "XACK q audit 1-0")
    one.does("XADD log MAXLEN ~ 9 * item a", b"1-1", "XADD log MAXLEN = 9 1-1 item a")
    one.does("XADD q MAXLEN ~ 9 * item d", b"4-0", "XADD q MAXLEN = 9 4-0 item d")
    told = tape.told()
    assert told[-1] == ItemEnqueued("d", "q", 1)
    assert tape.reader.places() == {"ready": [b"a", b"b", b"c", b"d"], "leased": [], "dead": []}
