"""What a run that goes on is watched for: the conditions, and the recording that is waited on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.observers.recorder import Recorder
from harness.history import (
    SCHEMA,
    AskedForItem,
    Bounds,
    ConnectionClosed,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionOwner,
    ConnectionReleased,
    ContainerSeen,
    Event,
    FoundEmpty,
    Gap,
    Header,
    ItemDelivered,
    ItemEnqueued,
    ItemSettled,
    ItemStarted,
    LogEnded,
    MessagePublished,
    Observation,
    RequestRefused,
    Worker,
    read,
)
from harness.suites.unit.dsl.history import Tale

A, B = Worker("a"), Worker("b")
ENDED = ContainerSeen(A, "terminated", 1, exit_code=1)


def events(*whats: Observation) -> list[Event]:
    return [Event(number, float(number), "test", what) for number, what in enumerate(whats, 1)]


def given(item: str, connection: int = 1) -> ItemDelivered:
    return ItemDelivered(item, connection)


def done(item: str, connection: int = 1, *, effective: bool = True) -> ItemSettled:
    return ItemSettled(item, connection, "acked", effective=effective)


HELD, FREED = ConnectionHeld(1, "client", "before delivery"), ConnectionReleased(1, "client")
OWNED = ConnectionOwner(1, A)


@pytest.mark.parametrize(
    ("what", "over"),
    [
        ([OWNED, given("x")], False),
        ([OWNED, given("x"), ENDED], True),
        ([OWNED, given("y"), ENDED], False),
        # Who acknowledges too early may still fail, and say so.
        ([OWNED, given("x"), done("x")], False),
        ([OWNED, given("x"), done("x"), AskedForItem(1, "q")], True),
        ([OWNED, given("x"), done("x"), AskedForItem(1, "q", 0)], False),
        ([OWNED, given("x"), done("x"), given("y")], True),
        ([OWNED, given("x"), done("x"), given("y", 2)], False),
        # It was only handed this one beside another, which it has done; and then it was not.
        ([OWNED, given("y"), done("y"), given("x"), ENDED], False),
        ([OWNED, given("y"), done("y"), given("x"), ItemStarted("x", A), ENDED], True),
        # Whose it is, comes later than what is done on it.
        ([given("x"), done("x"), ENDED, OWNED], True),
    ],
)
def test_an_attempt_has_come_to_its_end(what: list[Observation], over: bool) -> None:  # a table
    assert (conditions.end_of_attempt("x", one_each=True)(events(*what)) is not None) is over


SENT, OTHER = ItemEnqueued("x", "q"), [given("y", 9), done("y", 9)]
AGAIN = [given("x", 2), ConnectionOwner(2, B)]
B_ENDED = ContainerSeen(B, "terminated", 1, exit_code=1)
WAITS = MessagePublished(1, "", "later", "x", lasting=True, waiting=True)


@pytest.mark.parametrize(
    ("what", "over"),
    [
        ([SENT, OWNED, given("x"), ENDED], False),
        ([SENT, *OTHER, OWNED, given("x"), ENDED], False),
        # Settled by whoever has ended with that: dropped or set aside.
        ([SENT, *OTHER, OWNED, given("x"), done("x")], False),
        ([SENT, *OTHER, OWNED, given("x"), done("x"), ENDED], True),
        ([SENT, OWNED, given("x"), done("x"), ENDED], False),
        ([SENT, OWNED, given("x"), done("x"), ENDED, *OTHER], True),
        ([SENT, *OTHER, OWNED, given("x"), done("x", effective=False), ENDED], False),
        # Settled, and a copy will come back; and then it has.
        ([SENT, *OTHER, OWNED, given("x"), WAITS, done("x"), ENDED], False),
        ([SENT, *OTHER, OWNED, given("x"), WAITS, done("x"), ENDED, SENT], False),
        ([SENT, *OTHER, given("x"), WAITS, done("x"), SENT, *AGAIN, done("x", 2), B_ENDED], True),
        # So many attempts.
        ([SENT, *OTHER, OWNED, given("x"), ENDED, *AGAIN], False),
        ([SENT, *OTHER, OWNED, given("x"), ENDED, *AGAIN, B_ENDED], True),
        ([SENT, *OTHER, OWNED, given("x"), ENDED, *AGAIN, given("x", 3)], True),
    ],
)
def test_what_becomes_of_an_item_on_which_the_work_fails(
    what: list[Observation], over: bool
) -> None:  # a table
    assert (conditions.outcome_of_item("x", 2, one_each=True)(events(*what)) is not None) is over


REFUSED = RequestRefused(1, 406, "inequivalent arg")
FAILED = [ENDED, ContainerSeen(B, "terminated", 1, exit_code=1)]


@pytest.mark.parametrize(
    ("what", "now", "over"),
    [
        ([], 99.0, False),
        ([REFUSED], 2.0, False),
        ([REFUSED, ENDED], 3.0, False),
        ([ENDED, REFUSED, ENDED], 4.0, False),
        ([REFUSED, *FAILED], 4.0, True),
        ([REFUSED], 17.0, True),
        ([REFUSED, *FAILED, given("x")], 99.0, False),
    ],
)
def test_workers_cannot_begin_for_a_refusal(
    what: list[Observation], now: float, over: bool
) -> None:
    assert (conditions.refused_requests(events(*what), now) is REFUSED) is over


@pytest.mark.parametrize(
    ("what", "begun"),
    [
        # Told to let it go; that it was is not there yet: what holds it is still the first hold.
        ([HELD], False),
        ([HELD, FREED], False),
        ([HELD, FREED, HELD], True),
        ([HELD, FREED, ConnectionHeld(2, "client")], False),
        ([HELD, FREED, ItemStarted("x", A)], True),
        ([HELD, FREED, ItemStarted("x", B)], False),
        # Another connection from the same address, and one from elsewhere.
        ([HELD, ConnectionOpened(2, "10.0.0.1", 1), ConnectionHeld(2, "client")], True),
        ([HELD, ConnectionOpened(2, "10.0.0.2", 1), ConnectionHeld(2, "client")], False),
        # A line of the log may be quicker than the tap.
        ([HELD, ItemStarted("x", A)], True),
        ([HELD, ItemStarted("x", A), FREED], True),
        ([ItemStarted("w", A), HELD, FREED], False),
    ],
)
def test_a_worker_that_was_let_go_has_begun(what: list[Observation], begun: bool) -> None:
    assert (conditions.started_or_held_again(A, 1, "10.0.0.1")(events(*what)) is not None) is begun


def test_who_takes_many_may_fail_with_any_of_them() -> None:
    what = events(OWNED, given("y"), done("y"), given("x"), ENDED)
    assert conditions.end_of_attempt("x", one_each=False)(what) is not None


def test_all_but_one_are_settled_only_by_what_takes_effect() -> None:
    find = conditions.all_settled(["x", "y"], but=1)
    assert find(events(given("x"), done("x", effective=False))) is None
    found = find(events(given("x"), done("x")))
    assert found is not None
    assert found.id == 2


def test_a_delivery_elsewhere_is_from_another_address_and_later() -> None:
    its = (ConnectionOpened(1, "10.0.0.1", 1), ConnectionOpened(2, "10.0.0.1", 2))
    find = conditions.delivery_elsewhere("10.0.0.1", after=3)
    assert find(events(*its, given("x", 3), given("y", 1), given("z", 2))) is None
    assert find(events(*its, given("x", 1), given("y", 3))) is not None


def test_the_connections_that_are_open() -> None:
    one, two = ConnectionOpened(1, "10.0.0.1", 4001), ConnectionOpened(2, "10.0.0.1", 4002)
    find = conditions.open_of("10.0.0.1")
    assert find(events(one, two, ConnectionClosed(1, "client"))) == [two]
    assert find(events(one, ConnectionClosed(1, "tap"))) is None
    assert find(events(ConnectionOpened(3, "10.0.0.2", 4003))) is None


def test_who_connects_anew_or_ends_has_noticed() -> None:
    old, new = ConnectionOpened(1, "10.0.0.1", 4001), ConnectionOpened(2, "10.0.0.1", 4002)
    find = conditions.noticed_cut_after(1, A, "10.0.0.1")
    assert find(events(old, FoundEmpty(1, "q"), ContainerSeen(B, "terminated", 2))) is None
    assert find(events(old, ContainerSeen(A, "running", 2))) is None
    assert find(events(old, new)) is not None
    assert find(events(old, ENDED)) is not None


def test_what_is_said_slowly_is_its_own_and_later() -> None:
    find = conditions.printed_since(2.0, "10.0.0.1")
    its = ConnectionOpened(1, "10.0.0.1", 4001)
    before, anothers = ItemDelivered("x", 1, at=1.9), ItemDelivered("y", 2, at=2.1)
    assert find(events(its, before, anothers, FoundEmpty(1, "q", 2.2), given("z"))) is None
    assert find(events(its, before, ItemDelivered("z", 1, at=2.0))) is not None


def test_a_pod_is_silent_when_all_of_its_runs_are() -> None:
    first, second = Worker("pod-z"), Worker("pod-z", 1)
    find = conditions.logs_ended("pod-z")
    what: list[Observation] = [ContainerSeen(first, "running", 1), LogEnded(first, True)]
    assert find(events(*what)) is not None
    what.append(ContainerSeen(second, "running", 2))
    assert find(events(*what)) is None
    assert find(events(*what, LogEnded(second, True))) is not None


def test_the_newest_counts() -> None:
    assert conditions.exit_of(A)(events(ENDED, FoundEmpty(1, "q"))) is not None
    assert conditions.exit_of(B)(events(ENDED)) is None
    assert conditions.worker_succeeded()(events(ENDED)) is None
    assert (
        conditions.worker_succeeded()(events(ContainerSeen(B, "terminated", 1, exit_code=0)))
        is not None
    )
    assert conditions.progress()(events(OWNED, given("x"), OWNED)) is not None


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recorder]:
    header = Header(SCHEMA, "s", "fine", "image", datetime.now(UTC), Bounds(1, 1, 1))
    made = Recorder(tmp_path / "history.ndjson", header)
    yield made
    made.close()


def test_what_is_waited_for_may_come_from_another_thread(recording: Recorder) -> None:
    find: Callable[..., Event | None] = conditions.exit_of(A)
    thread = threading.Timer(0.05, lambda: recording.record("pods", ENDED))
    thread.start()
    assert recording.wait("the end of a", find, timeout=10).what == ENDED
    thread.join()


def test_a_wait_in_vain_says_for_what(recording: Recorder) -> None:
    recording.gap("tap", "lost")
    with pytest.raises(TimedOut, match="in vain for the end of a") as error:
        recording.wait("the end of a", conditions.exit_of(A), timeout=0.01)
    assert "1 events, the last (Gap)" in error.value.seen
    assert recording.wait_or_none("the end of a", conditions.exit_of(A), timeout=0.01) is None


def test_the_file_has_what_was_recorded_until_it_was_closed(recording: Recorder) -> None:
    recording.gap("tap", "lost")
    recording.close()
    assert recording.record("pods", ENDED) is None
    with recording.path.open("rb") as file:
        header, found = read(file)
        assert header == recording.header
        assert [event.what for event in found] == [Gap("tap", "lost")]


def test_the_next_item_that_it_begins() -> None:
    tale = Tale()
    tale.sent("apple", "banana")
    for who in "ab":
        tale.came(0, who)
    tale.began(1, "a", "apple")
    find = conditions.starts_again(tale.worker("a"), len(tale.events))
    tale.began(2, "b", "banana")
    assert find(tale.events) is None
    begun = tale.began(3, "a", "banana")
    found = find(tale.events)
    assert found is not None
    assert found.id == begun


def test_a_greeting_before_it_is_let_go_is_no_beginning() -> None:
    """Its words are those of a beginning, and name nothing that it was given."""
    events, worker = list[Event](), Worker("uid-a")

    def happens(what: Observation) -> None:
        events.append(Event(len(events) + 1, float(len(events)), "tap", what))

    find = conditions.started_or_held_again(worker, 1, "10.0.0.1")
    happens(ConnectionOpened(1, "10.0.0.1", 4000))
    happens(ItemDelivered("apple", 1))
    happens(ConnectionHeld(1, "client", "before delivery"))
    happens(ItemStarted("queue job with 1 thread", worker))
    happens(ConnectionReleased(1, "client"))
    assert find(events) is None
    happens(ItemStarted("apple", worker))
    assert find(events) is events[-1]
