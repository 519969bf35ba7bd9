"""Queues that are streams with a consumer group."""

from __future__ import annotations

import pytest

from harness.history import (
    AskedForItem,
    FoundEmpty,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    LeaseExpired,
    NotUnderstood,
)
from harness.patterns.command_roles import Roles
from harness.patterns.fine.interpreter.items.stream_group import Stream
from harness.suites.unit.dsl.redis_transcript import (
    EPOCH,
    Client,
    Tape,
    asked,
    buried,
    given,
    settled,
)
from harness.tap.points import Signature
from harness.tap.records import ErrorReply

READ = "XREADGROUP GROUP g {} COUNT 1 STREAMS q >"


def stream(roles: Roles | None = None, group: str = "") -> Tape:
    """A stream with three entries."""
    tape = Tape(roles=roles, stream=Stream(group=group))
    tape.seeds("XGROUP CREATE q g 0 MKSTREAM")
    for number, item in enumerate("abc", 1):
        tape.seeds(f"XADD q * item {item}", f"XADD q {number}-0 item {item}")
    return tape


def since(tape: Tape) -> int:
    """Now, as Redis replicates moments."""
    return int((EPOCH + tape.now) * 1000)


def claim(tape: Tape, number: int, consumer: str, tries: int = 1) -> str:
    """How Redis replicates that a consumer was given an entry."""
    return (
        f"XCLAIM q g {consumer} 0 {number}-0 TIME {since(tape)} RETRYCOUNT {tries} FORCE JUSTID "
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
        claims=(
            # What it would take others' entries over with is known, too.
            Signature("XAUTOCLAIM", b"q"),
            Signature("XCLAIM", b"q"),
            Signature("XREADGROUP", b"GROUP"),
        ),
        settles=(Signature("XACK", b"q"),),
    )
    assert tape.reader.lease_blind_spot() == (
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
    assert tape.reader.lease_blind_spot() == ""
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
    read(one, 1, "a", "A")
    other = claim(tape, 1, "A").replace(" g ", " audit ")
    one.does("XREADGROUP GROUP audit A STREAMS q >", {}, other)
    one.does("XACK q audit 1-0", 1, "XACK q audit 1-0")
    one.does("XADD log MAXLEN ~ 9 * item a", b"1-1", "XADD log MAXLEN = 9 1-1 item a")
    one.does("XADD q MAXLEN ~ 9 * item d", b"4-0", "XADD q MAXLEN = 9 4-0 item d")
    told = tape.told()
    assert told[-1] == ItemEnqueued("d", "q", 1, 9.0)
    assert tape.reader.places() == {"ready": [b"b", b"c", b"d"], "leased": [b"a"], "dead": []}


def test_who_reads_in_another_group_than_was_said_is_not_understood() -> None:
    tape = stream(group="g")
    tape.seeds("XGROUP CREATE q mine 0")
    one = tape.worker()
    other = claim(tape, 1, "A").replace(" g ", " mine ")
    one.does("XREADGROUP GROUP mine A STREAMS q >", {}, other)
    assert not [event for event in tape.events if isinstance(event, NotUnderstood)]
    told = tape.told()[-1]
    assert isinstance(told, NotUnderstood)
    assert told.why == (
        "it was read in the group mine, and nobody read it in g: see --stream-group"
    )


@pytest.mark.parametrize(
    ("said", "error", "flagged"),
    [
        ("LPOP q", "WRONGTYPE Operation against a key", True),
        ("XREADGROUP GROUP mine A STREAMS q >", "NOGROUP No such key 'q' or", True),
        ("XGROUP CREATE q g 0", "BUSYGROUP Consumer Group name already exists", False),
        ("LPOP other", "WRONGTYPE Operation against a key", False),
    ],
)
def test_a_worker_that_takes_the_queue_for_something_else_is_told_of_the_option(
    said: str, error: str, flagged: bool
) -> None:
    tape = stream()
    one = tape.worker()
    for _ in range(2):
        one.does(said, ErrorReply(error))
    odd = [event.why for event in tape.told() if isinstance(event, NotUnderstood)]
    assert odd == ([f"Redis has answered {error}: see --seed, --stream-group"] if flagged else [])


def test_a_group_that_is_not_there_yet_is_nothing_odd() -> None:
    tape = Tape()
    tape.worker().does(READ.format("A"), ErrorReply("NOGROUP No such key 'q' or"))
    assert not [event for event in tape.told() if isinstance(event, NotUnderstood)]


LOOK = "XPENDING q g IDLE 5000 - + 10"


def test_who_looks_for_idle_entries_says_how_long_a_lease_is() -> None:
    tape = stream()
    one = tape.worker()
    one.does(LOOK, [])
    read(one, 1, "a", "A")  # 5
    assert tape.told()[-1] == given("a", 1, 5.0, "1-0", until=10.0)
    one.does("XPENDING q g IDLE 60000 - + 10", [])
    one.does("XPENDING other g IDLE 7000 - + 10", [])
    assert tape.reader.roles().idle == 5.0
    one.does("XAUTOCLAIM q g A 7000 0", [b"0-0", [], []])
    assert tape.reader.roles().idle == 7.0


def test_a_script_renews_gives_back_and_reports_for_its_holder() -> None:
    tape = stream()
    one, two = tape.worker(), tape.worker()
    one.does(LOOK, [])
    read(one, 1, "a", "A")  # 5
    renew = "XCLAIM q g A 0 1-0 JUSTID"
    one.does("EVALSHA renew 1 q 1-0", 1, claim(tape, 1, "A"), lua=["XPENDING q g 1-0 1-0 1", renew])
    free = claim(tape, 1, "A").replace(f"TIME {since(tape)}", f"TIME {since(tape) - 5000}")
    back = "XCLAIM q g A 0 1-0 IDLE 5000 JUSTID"
    one.does("EVALSHA back 1 q 1-0", 1, free, lua=["XPENDING q g 1-0 1-0 1", back])
    answer = [[b"1-0", [b"item", b"a"]]]
    two.does("XCLAIM q g B 5000 1-0", answer, claim(tape, 1, "B", 2))  # 8
    ends = ("XACK q g 1-0", "XDEL q 1-0")
    two.does("EVALSHA done 1 q 1-0", 1, *ends, lua=ends)
    one.does("EVALSHA done 1 q 1-0", 0, lua=["XPENDING q g 1-0 1-0 1"])
    assert tape.told()[5:] == [
        ItemLeased("a", 1, "1-0", 11.0, 6.0),
        ItemReturned("a", 1, "1-0", 7.0),
        asked(2, 8.0),
        given("a", 2, 8.0, "1-0", until=13.0, again=True),
        settled("a", 2, 9.0, "1-0"),
        settled("a", 1, 10.0, "1-0", late=True),
    ]
    roles = tape.reader.roles()
    assert roles.renews == (Signature("EVALSHA", b"renew"),)
    assert roles.gives_back == (Signature("EVALSHA", b"back"),)


@pytest.mark.parametrize("aside", ["XADD dead * item a", "RPUSH dead a"])
def test_what_is_copied_before_it_goes_was_set_aside(aside: str) -> None:
    tape = stream()
    one, two = tape.worker(), tape.worker()
    read(one, 1, "a", "A")  # 4
    effect = aside.replace("*", "9-0")
    ends = ("XACK q g 1-0", "XDEL q 1-0")
    who = two if "XADD" in aside else one
    who.does("EVALSHA aside 2 q dead", 1, effect, *ends, lua=[aside, *ends])
    assert tape.told()[5:] == [buried("a", who.number, 5.0, "1-0")]
    assert tape.reader.roles().dead == (b"dead",)
    assert tape.reader.roles().fault_free().done == (b"dead",)


def test_where_done_items_are_kept_they_are_done() -> None:
    tape = stream(Roles(done=(b"results",)))
    one = tape.worker()
    read(one, 1, "a", "A")  # 4
    one.does("XADD results * item a", b"9-0", "XADD results 9-0 item a")
    one.does("XACK q g 1-0", 1, "XACK q g 1-0")
    assert tape.told()[5:] == [settled("a", 1, 6.0, "1-0")]


ERROR = '{"item":"a","error":"broken"}'


@pytest.mark.parametrize("place", ["RPUSH dead {}", "HSET dead 1 {}", "XADD dead 9-0 entry {}"])
@pytest.mark.parametrize("together", [True, False])
def test_an_entry_may_be_set_aside_as_json(place: str, together: bool) -> None:
    tape = stream(roles=Roles(idle=5.0))
    one = tape.worker()
    read(one, 1, "a", "A")  # 4
    commands = [place.format(ERROR), "XACK q g 1-0"]
    if together:
        one.transacts([(each, 1) for each in commands], *commands)
    for each in () if together else commands:
        one.does(each, 1, each)
    at = 5.0 if together else 6.0
    assert buried("a", 1, at, "1-0") in tape.told()
    assert tape.reader.roles().dead == (b"dead",)


def test_what_successes_add_to_a_stream_sets_nothing_aside() -> None:
    tape = stream()
    one = tape.worker()
    read(one, 1, "a", "A")  # 4
    log = f"XADD log 9-0 entry {ERROR}"
    one.transacts([(log, b"9-0"), ("XACK q g 1-0", 1)], log, "XACK q g 1-0")
    assert settled("a", 1, 5.0, "1-0") in tape.told()
    assert tape.reader.roles().fault_free().done == (b"log",)


def test_an_entry_that_is_added_again_as_json_is_the_item() -> None:
    tape = stream(roles=Roles(idle=5.0))
    one, two = tape.worker(), tape.worker()
    read(one, 1, "a", "A")  # 4
    again = f"XADD q 4-0 item {ERROR}"
    one.transacts([("XACK q g 1-0", 1), (again, b"4-0")], "XACK q g 1-0", again)
    read(two, 4, ERROR, "B")  # 6
    assert given("a", 2, 6.0, "4-0", until=11.0) in tape.told()
    assert {one.item for one in tape.events if hasattr(one, "item")} == {"a", "b", "c"}
