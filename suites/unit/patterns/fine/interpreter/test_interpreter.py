"""Three streams that come as they like, and what is made of what does not fit."""

from __future__ import annotations

import pytest
from hypothesis import example, settings
from hypothesis import given as for_all
from hypothesis import strategies as some

from harness.history import (
    BrokerBack,
    BrokerLost,
    Gap,
    ItemDelivered,
    ItemEnqueued,
    ItemReclaimed,
    ItemSettled,
    NotUnderstood,
    Observation,
)
from harness.patterns.fine.interpreter.interpreter import RedisInterpreter
from harness.suites.unit.dsl.redis_transcript import (
    EPOCH,
    NO_ANSWER,
    Client,
    Tape,
    asked,
    end,
    given,
    settled,
)
from harness.tap.records import (
    Command,
    Effect,
    ErrorReply,
    Monitored,
    Push,
    Record,
    Tick,
)


class Kept(Tape):
    """Keeps the records with their moments."""

    def __init__(self, *, ticking: bool) -> None:
        super().__init__(ticking=ticking)
        self.records: list[tuple[float, Record]] = []

    def tells(self, record: Record) -> None:
        self.records.append((EPOCH + self.now, record))
        super().tells(record)


def story(tape: Tape) -> None:
    """Two workers: one waits, is served, and goes; the other takes over what it had."""
    one, two = tape.worker(), tape.worker()
    first = one.does("BLMOVE q p LEFT RIGHT 0")
    tape.shows("127.0.0.1:39999", "RPUSH q a b")
    for effect in ("RPUSH q a b", "LMOVE q p LEFT RIGHT"):
        tape.changes(effect)
    one.hears(first, b"a")
    tape.step()
    one.does("SET lock:a A PX 1000 NX", b"OK", f"SET lock:a A {end(3)} NX")
    two.does("LMOVE q p LEFT RIGHT", b"b", "LMOVE q p LEFT RIGHT")
    one.leaves()
    two.does("LREM p 0 b", 1, "LREM p 0 b")
    two.does("SET lock:a B PX 1000 NX", b"OK", "DEL lock:a", f"SET lock:a B {end(9)} NX")
    two.transacts([("LREM p 0 a", 1), ("DEL lock:a", 1)], "LREM p 0 a", "DEL lock:a")
    two.does("LMOVE q p LEFT RIGHT", None)
    two.leaves()


def streams(records: list[tuple[float, Record]]) -> list[list[tuple[float, Record]]]:
    """What came on the wire, from MONITOR, and from the replica's link."""
    ways: list[list[tuple[float, Record]]] = [[], [], []]
    for at, record in records:
        tick = record.where if isinstance(record, Tick) else ""
        if isinstance(record, Monitored) or tick == "monitor":
            ways[1].append((at, record))
        elif isinstance(record, Effect) or tick == "replica":
            ways[2].append((at, record))
        else:
            ways[0].append((at, record))
    return ways


def shown(record: Record) -> bool:
    """Whether Redis got to know of it by a command of a worker."""
    return isinstance(record, Monitored) and record.client.startswith(Tape.gateway)


@settings(max_examples=60, deadline=None)
@for_all(choices=some.lists(some.integers(0, 2), max_size=120), ticking=some.booleans())
# The last to go has gone when what it did is still to be shown.
@example(choices=[0] * 7 + [1] * 8 + [2] * 8, ticking=True)
def test_it_does_not_matter_how_the_streams_come(choices: list[int], ticking: bool) -> None:
    kept = Kept(ticking=ticking)
    story(kept)
    expected = kept.events + kept.reader.finish()
    wire, monitor, replica = streams(kept.records)
    ways, asked_for, run = [wire, monitor, replica], 0, 0
    reader, events = RedisInterpreter("q", EPOCH), list[Observation]()
    for choice in [*choices, *[0] * len(wire), *[1] * len(monitor), *[2] * len(replica)]:
        way = ways[choice]
        # No command is run before it is sent.
        if not way or (shown(way[0][1]) and run >= asked_for):
            continue
        at, record = way.pop(0)
        asked_for += isinstance(record, Command)
        run += shown(record)
        events += reader.feed(at, record)
    assert not any(ways)
    assert events + reader.finish() == expected


def test_a_story_is_told_in_its_order() -> None:
    tape = Tape()
    story(tape)
    assert tape.reader.drained()
    assert [type(one).__name__ for one in tape.events] == [
        "ConnectionOpened",
        "ConnectionOpened",
        "AskedForItem",
        "ItemEnqueued",
        "ItemEnqueued",
        "ItemDelivered",
        "ItemLeased",
        "AskedForItem",
        "ItemDelivered",
        "ConnectionClosed",
        "ItemSettled",
        "AskedForItem",
        "LeaseExpired",
        "ItemReclaimed",
        "ItemDelivered",
        "ItemSettled",
        "AskedForItem",
        "FoundEmpty",
        "ConnectionClosed",
    ]


def test_an_answer_is_waited_for_and_not_for_ever() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a b")
    one = tape.worker()
    one.does("CLIENT REPLY OFF")  # 1: from here on there are no answers
    one.does("LPOP q", NO_ANSWER, "LPOP q")  # 2
    tape.waits(18)
    assert not tape.reader.drained()
    tape.waits(4)
    assert tape.reader.drained()
    one.does("LPOP q", NO_ANSWER, "LPOP q")  # 25: nobody waits for its answers any more
    assert tape.reader.drained()
    assert tape.told()[2:] == [
        asked(1, 2.0),
        given("a", 1, 2.0, final=True),
        asked(1, 25.0),
        given("b", 1, 25.0, final=True),
    ]


def test_the_answer_to_a_command_comes_late() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one, two = tape.worker(), tape.worker()
    command = one.does("LREM p 0 a")  # 1
    two.does("LPOP q", b"a", "LPOP q")  # 2
    assert not any(isinstance(one, ItemDelivered) for one in tape.events)
    one.hears(command, 0)
    assert tape.events[3:] == [asked(2, 2.0), given("a", 2, 2.0, final=True)]


def test_what_is_refused_is_not_shown() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("AUTH x", ErrorReply("ERR no password"), shown=False)
    one.does("LPUSH k", ErrorReply("ERR wrong number of arguments"), shown=False)
    one.does("LPOP q", b"a", "LPOP q")
    assert tape.told()[1:] == [asked(1, 3.0), given("a", 1, 3.0, final=True)]


def test_a_stream_that_begins_earlier_has_ticks_of_its_own() -> None:
    tape = Tape(ticking=False)
    tape.ticks("monitor")
    tape.shows("127.0.0.1:39999", "RPUSH q a")
    tape.ticks("monitor")
    tape.changes("RPUSH q a")
    tape.ticks()
    tape.shows("127.0.0.1:39999", "RPUSH q b")
    tape.changes("RPUSH q b")
    tape.ticks("replica")
    tape.ticks()
    assert tape.events == [ItemEnqueued("a", "q"), ItemEnqueued("b", "q")]


def test_without_a_last_tick_the_rest_comes_with_flush() -> None:
    tape = Tape(ticking=False)
    tape.seeds("RPUSH q a")
    one = tape.worker()
    one.does("LPOP q", b"a", "LPOP q")
    assert tape.events == []
    assert not tape.reader.drained()
    assert tape.told() == [ItemEnqueued("a", "q"), asked(1, 1.0), given("a", 1, 1.0, final=True)]
    assert tape.reader.drained()


def test_only_database_0_counts() -> None:
    tape = Tape()
    tape.forgets("SELECT 1")
    tape.seeds("RPUSH q a")
    tape.forgets("SELECT 0")
    tape.seeds("RPUSH q b")
    assert tape.told() == [ItemEnqueued("b", "q")]


def test_what_nobody_has_asked_for_and_moves_items_is_told() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    tape.forgets("LPOP q")
    why = "nobody who was seen has asked for this, and it has moved items"
    assert tape.told()[1:] == [
        NotUnderstood(0, "broker", why, "LPOP q", 6),
        given("a", 0, 1.0, final=True),
    ]


def test_what_the_harness_takes_out_says_nothing() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a b")
    one = tape.worker()
    one.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    tape.seeds("DEL q p")
    assert tape.told()[2:] == [asked(1, 1.0), given("a", 1, 1.0)]
    assert tape.reader.places() == {"ready": [], "leased": [], "dead": []}


@pytest.mark.parametrize(
    "record",
    [Gap("monitor", "it broke"), NotUnderstood(1, "broker", "no words", "x", 1)],
)
def test_what_the_tap_could_not_see_is_passed_on_in_its_place(record: Gap | NotUnderstood) -> None:
    tape = Tape(ticking=False)
    tape.seeds("RPUSH q a")
    tape.tells(record)
    assert tape.events == []
    assert tape.told() == [ItemEnqueued("a", "q"), record]


def test_what_was_published_is_no_item() -> None:
    tape = Tape()
    one = tape.worker()
    one.does("SUBSCRIBE news")
    tape.tells(Push(1, [b"subscribe", b"news", 1]))
    tape.forgets("PUBLISH news a")
    assert tape.told() == []


def test_effects_that_do_not_fit_break_nothing() -> None:
    tape = Tape()
    tape.seeds("RPUSH q a")
    one = tape.worker()
    wrong = ("HSET q f v", "LSET q 7 x", "ZADD q nan", "XADD q", "XCLAIM q g")
    for effect in (*wrong, "LPOP", "PFADD visitors x"):
        one.does(effect, 1, effect)
    one.does("LPOP q", b"a", "LPOP q")
    told = tape.told()
    assert told[-1] == given("a", 1, 8.0, final=True)
    assert [one.sample for one in told if isinstance(one, NotUnderstood)] == list(wrong)


def test_a_lua_line_without_a_script_is_passed_over() -> None:
    tape = Tape()
    tape.shows("lua", "RPUSH q a")
    tape.step()
    assert tape.told() == []


def test_a_port_is_used_again_by_somebody_else() -> None:
    tape = Tape()
    one = tape.worker()
    one.does("PING", b"PONG")
    one.leaves()
    tape.waits(4)
    tape.shows(one.address, "RPUSH q a")  # the harness, past the tap
    tape.changes("RPUSH q a")
    tape.step()
    assert tape.told() == [ItemEnqueued("a", "q")]


def test_a_sign_of_life_and_half_a_tick_are_nothing_to_wait_for() -> None:
    tape = Tape(ticking=False)
    tape.ticks("monitor")
    tape.changes("PING")
    assert tape.reader.drained()
    tape.changes("RPUSH q a")
    assert not tape.reader.drained()


# -- Redis ends, and is started again -------------------------------------------------------------


def ends_and_is_back(tape: Tape, keys: int) -> None:
    tape.tells(BrokerLost("killed"))
    tape.now += 2.0
    tape.tells(BrokerBack(keys))
    tape.step()


def at_work(tape: Tape) -> Client:
    """One item is ready, and one taken; with the marker that makes three keys."""
    worker = tape.worker()
    tape.seeds("RPUSH q a b")
    tape.seeds("SET all-sent 1")
    worker.does("LMOVE q p LEFT RIGHT", b"a", "LMOVE q p LEFT RIGHT")
    return worker


def test_what_redis_has_kept_is_where_it_was() -> None:
    tape = Tape()
    worker = at_work(tape)
    ends_and_is_back(tape, 3)
    worker.leaves()
    again = tape.worker(pod="10.0.0.1")
    again.does("LREM p 0 a", 1, "LREM p 0 a")
    told = [one for one in tape.told() if not isinstance(one, ItemEnqueued)]
    assert told == [
        asked(1, 2.0),
        given("a", 1, 2.0),
        BrokerLost("killed", at=3.0),
        BrokerBack(3, True, at=5.0),
        settled("a", 2, 7.0),
    ]


def test_what_redis_has_lost_nobody_has_settled() -> None:
    tape = Tape()
    worker = at_work(tape)
    ends_and_is_back(tape, 0)
    worker.leaves()
    again = tape.worker(pod="10.0.0.1")
    again.does("LMOVE q p LEFT RIGHT", None)
    assert tape.reader.places() == {"ready": [], "leased": [], "dead": []}
    tape.seeds("RPUSH q b")  # its producer sends it once more
    again.does("LMOVE q p LEFT RIGHT", b"b", "LMOVE q p LEFT RIGHT")
    kinds = [type(one) for one in tape.told()]
    assert ItemSettled not in kinds
    assert ItemReclaimed not in kinds
    assert [one for one in tape.events if isinstance(one, BrokerBack)] == [
        BrokerBack(0, False, at=5.0)
    ]
    assert kinds.count(ItemEnqueued) == 3
    assert kinds[-1] is ItemDelivered


def test_what_redis_has_kept_in_part_is_not_known() -> None:
    tape = Tape()
    at_work(tape)
    ends_and_is_back(tape, 1)
    back, gap = [one for one in tape.told() if isinstance(one, (BrokerBack, Gap))]
    assert back == BrokerBack(1, None, at=5.0)
    assert isinstance(gap, Gap)
    assert gap.of == "replica"


def test_what_no_tick_has_followed_is_told_before_the_end() -> None:
    tape = Tape(ticking=False)
    at_work(tape)
    tape.tells(BrokerLost("killed"))
    kinds = [type(one) for one in tape.events]
    assert kinds[-2:] == [ItemDelivered, BrokerLost]
