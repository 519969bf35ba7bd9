"""The view of a history: attempts, workers, idle times, figures."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.checks.model import Attempt, Item, measure, without
from harness.core.text import clean, several
from harness.history import (
    ConnectionClosed,
    ConnectionOpened,
    ConnectionOwner,
    ContainerSeen,
    Digest,
    Figures,
    ItemDelivered,
    ItemEnqueued,
    ItemSettled,
    NeighbourSeen,
    Payload,
    PodSeen,
    Raw,
    Worker,
)
from harness.history.preview import shown
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine

FIRST, SECOND = "t1", "t2"


def item(tale: Tale, payload: Payload = "apple") -> Item:
    return tale.view().items[payload]


def attempt(tale: Tale, payload: Payload = "apple") -> Attempt:
    (one,) = item(tale, payload).attempts
    return one


def started(pattern: str = "fine", copies: int = 1) -> Tale:
    tale = Tale(pattern)
    tale.sent(*["apple"] * copies)
    for who in "ab":
        tale.came(0, who)
    tale.given(1, "a", "apple")
    return tale


def hows(tale: Tale) -> list[str]:
    return [one.how for one in item(tale).attempts]


# -- attempts -----------------------------------------------------------------------------------


def test_an_attempt_from_delivery_to_settlement() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a")
    tale.worked(1, "a", "apple", 2.0)
    one = attempt(tale)
    assert (one.worker, one.how) == (tale.worker("a"), "settled")
    assert (one.delivered.at, one.ended and one.ended.at) == (1, 3)
    assert (one.started and one.started.at, one.done and one.done.at) == (1, 3)


def test_what_ends_an_attempt() -> None:
    tale = started()
    assert hows(tale) == ["open"]
    tale.returned(2, "a", "apple")
    tale.given(3, "b", "apple")
    tale.reclaimed(4, "a", "apple")
    tale.given(4, "a", "apple")
    tale.given(5, "b", "apple")
    tale.settled(6, "b", "apple")
    assert hows(tale) == ["returned", "reclaimed", "redelivered", "settled"]


def test_a_lost_connection_ends_it_where_connections_hold_items() -> None:
    for pattern, how in (("coarse", "lost"), ("fine", "open")):
        tale = started(pattern)
        tale.closed(2, "a")
        assert hows(tale) == [how]


def test_the_owner_may_be_known_late_and_corrected() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a", owned=False)
    tale.given(1, "a", "apple")
    assert attempt(tale).worker is None
    for run in (0, 1):
        tale.put(2, "pods", ConnectionOwner(tale.connection("a"), Worker("uid-a", run)))
    assert attempt(tale).worker == Worker("uid-a", 1)


@pytest.mark.parametrize(("opened", "its"), [(5.4, True), (5.6, False)])
def test_a_run_that_had_ended_owns_nothing_that_comes_later(opened: float, its: bool) -> None:
    """Its container was started again, and the history ends before the cluster tells of that."""
    tale = started("coarse")
    tale.killed(4, "a")
    tale.connected(opened, "a")
    tale.given(opened, "a", "apple", redelivered=True)
    tale.over(6)
    first, second = item(tale).attempts
    assert first.worker == tale.worker("a")
    assert second.worker == (tale.worker("a") if its else None)


def test_what_the_next_run_of_a_container_puts_back_it_has_taken_over() -> None:
    """It has its predecessor's address, which is all that the wire tells."""
    tale = started()
    tale.killed(2, "a")
    tale.came(3, "a")
    tale.returned(4, "a", "apple")
    tale.given(4, "a", "apple", redelivered=True)
    assert hows(tale) == ["reclaimed", "open"]


def test_settled_on_another_connection_of_the_same_worker() -> None:
    tale = started()
    tale.connected(2, "a")
    tale.settled(3, "a", "apple")
    assert hows(tale) == ["settled"]


def test_settled_by_who_had_it_before() -> None:
    """An acknowledgement without a fence: it ends what another has begun since."""
    tale = started()
    tale.given(2, "b", "apple")
    tale.settled(3, "a", "apple")
    assert hows(tale) == ["settled", "elsewhere"]


def test_set_aside_by_another() -> None:
    tale = started()
    tale.settled(3, "b", "apple", "dead")
    assert hows(tale) == ["elsewhere"]
    assert item(tale).dead
    assert item(tale).unsettled == 0


def test_without_effect_it_is_no_settlement() -> None:
    tale = started()
    tale.settled(2, "a", "apple", effective=False)
    assert hows(tale) == ["open"]
    assert len(attempt(tale).void) == 1


def test_an_acknowledgement_that_did_not_arrive() -> None:
    for again in (True, False):
        tale = started("coarse")
        tale.settled(2, "a", "apple", effective=None)
        assert item(tale).unsettled == 0
        tale.closed(2.1, "a")
        if again:
            tale.given(3, "b", "apple", redelivered=True)
            assert hows(tale) == ["lost", "open"]
        else:
            tale.left(3, "apple")
            assert hows(tale) == ["lost"]
        assert item(tale).unsettled == 1


def test_given_out_for_good() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a")
    tale.given(1, "a", "apple", final=True)
    assert (attempt(tale).how, item(tale).settled[0].at_once) == ("settled", True)
    tale.leased(1.1, "a", "apple", until=11)
    assert attempt(tale).how == "open"
    assert attempt(tale).lease == pytest.approx(9.9)


def test_given_out_for_good_and_put_back() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a")
    tale.given(1, "a", "apple", final=True)
    tale.returned(2, "a", "apple")
    assert (attempt(tale).how, item(tale).unsettled) == ("returned", 1)


def test_equal_items_are_told_apart_by_how_many_there_are() -> None:
    tale = started(copies=2)
    tale.given(2, "b", "apple")
    tale.settled(3, "b", "apple")
    assert hows(tale) == ["open", "settled"]
    assert item(tale).unsettled == 1
    tale.given(9, "b", "apple")
    assert hows(tale) == ["redelivered", "settled", "open"]


def test_of_equal_items_only_a_lost_acknowledgement_is_doubted() -> None:
    tale = started("coarse", copies=2)
    tale.settled(2, "a", "apple", effective=None)
    tale.given(3, "b", "apple", redelivered=True)
    assert hows(tale) == ["settled", "open"]


def test_of_equal_items_one_that_hung_on_a_lost_connection_is_delivered_again() -> None:
    """Its worker was handed it with the answer to its acknowledgement of another, and hung up."""
    tale = started("coarse", copies=3)
    tale.given(1, "b", "apple")
    tale.settled(2, "b", "apple", effective=None)
    tale.given(2, "b", "apple")
    tale.closed(2.1, "b")
    tale.came(2.5, "c")
    tale.given(3, "c", "apple", redelivered=True)
    assert hows(tale) == ["open", "settled", "lost", "open"]
    assert item(tale).unsettled == 2


def test_of_equal_items_the_one_that_was_begun_has_ended() -> None:
    """The kubelet gets a line later than the broker gets the report that comes after it."""
    tale = Tale("fine")
    tale.sent("apple", "apple", "apple")
    tale.came(0, "a")
    tale.given(1, "a", "apple", token=FIRST)
    tale.began(1, "a", "apple")
    tale.settled(2, "a", "apple", token=FIRST)
    tale.given(2, "a", "apple", token=SECOND)
    tale.finished(2.01, "a", "apple")
    first, second = item(tale).attempts
    assert (first.done and first.done.at, second.done) == (2.01, None)
    tale.began(3, "a", "apple")
    tale.finished(4, "a", "apple")
    first, second = item(tale).attempts
    assert (first.done and first.done.at, second.done and second.done.at) == (2.01, 4)


def test_of_equal_items_the_last_one_has_ended_where_none_was_seen_to_begin() -> None:
    tale = Tale("fine")
    tale.sent("apple", "apple")
    tale.came(0, "a")
    for moment in (1, 2):
        tale.given(moment, "a", "apple")
    tale.finished(3, "a", "apple")
    first, second = item(tale).attempts
    assert (first.done, second.done and second.done.at) == (None, 3)


@pytest.mark.parametrize("acknowledged", [False, True])
def test_of_equal_items_one_whose_connection_is_ending_is_delivered_again(
    acknowledged: bool,
) -> None:
    """Its client has said farewell to the broker, which gave it out before the end was recorded.

    Unless it is acknowledged yet: then an acknowledgement had not arrived. Either way one is left.
    """
    tale = Tale("coarse")
    tale.sent("apple", "apple")
    for who in "ab":
        tale.came(0, who)
    tale.given(1, "a", "apple", token=FIRST)
    tale.settled(2, "a", "apple", effective=None, token=FIRST)
    tale.given(2, "a", "apple", token=SECOND)
    tale.given(2.1, "b", "apple", redelivered=True)
    if acknowledged:
        tale.settled(2.1, "a", "apple", effective=None, token=SECOND)
    tale.closed(2.2, "a")
    assert hows(tale) == ["settled", "redelivered", "open"]
    assert item(tale).unsettled == 1


def test_of_equal_items_an_acknowledgement_is_doubted_when_none_came_back() -> None:
    tale = started("coarse", copies=2)
    tale.settled(2, "a", "apple", effective=None)
    tale.closed(2.1, "a")
    tale.given(3, "b", "apple", redelivered=True)
    assert hows(tale) == ["lost", "open"]
    assert item(tale).unsettled == 2


def test_a_held_settlement_counts_from_when_it_was_said() -> None:
    tale = started()
    tale.held(2, "a", "settling")
    tale.resume_client(9, "a")
    tale.settled(9, "a", "apple")
    (one,) = item(tale).settled
    assert (one.ref.at, one.effect) == (2, 9)
    ended = attempt(tale).ended
    assert ended is not None
    assert ended.at == 9


def test_of_a_hold_only_the_first_settlement_is_what_it_caught() -> None:
    tale = Tale("fine")
    tale.sent("apple", "banana")
    tale.came(0, "a")
    for name in ("apple", "banana"):
        tale.given(1, "a", name)
    tale.held(2, "a", "settling")
    tale.resume_client(9, "a")
    for name in ("apple", "banana"):
        tale.settled(9, "a", name)
    settled = [item(tale, name).settled[0].ref.at for name in ("apple", "banana")]
    assert settled == [2, 9]


def test_waits_of_an_item() -> None:
    tale = started()
    tale.returned(2, "a", "apple")
    tale.given(4, "b", "apple")
    tale.settled(5, "b", "apple")
    tale.put(9, "harness", ItemEnqueued("apple", "queue"))
    spans = [(one.since.at, one.until) for one in item(tale).waits]
    assert spans == [(0, 1), (2, 4), (9, None)]


# -- lines --------------------------------------------------------------------------------------


def test_lines_go_to_the_attempt_that_they_are_about() -> None:
    tale = started()
    tale.began(1, "a", "apple")
    tale.returned(2, "a", "apple")
    tale.given(3, "a", "apple")
    tale.began(3.2, "a", "apple")
    tale.finished(4, "a", "apple")
    first, second = item(tale).attempts
    assert (first.started and first.started.at, first.done) == (1, None)
    assert (second.started and second.started.at, second.done and second.done.at) == (3.2, 4)


def test_lines_that_fit_nowhere() -> None:
    tale = started()
    tale.began(2, "b", "apple")
    tale.began(2, "b", "cherry")
    view = tale.view()
    assert [line.item for line in view.unknown_items] == ["cherry"]
    assert [line.item for line in view.unmatched] == ["apple"]


def test_how_an_odd_item_is_printed_nobody_knows() -> None:
    tale = Tale("fine")
    odd = Raw(b"\xff")
    tale.sent(odd)
    tale.came(0, "a")
    tale.given(1, "a", odd)
    tale.finished(2, "a", "?")
    assert attempt(tale, odd).done is not None
    assert tale.view().unknown_items == ()


# -- workers ------------------------------------------------------------------------------------


def test_a_worker_ends_between_hanging_up_and_the_end_of_the_second() -> None:
    tale = started()
    tale.exited(2.4, "a")
    end = tale.view().workers[tale.worker("a")].end
    assert end is not None
    assert (end.earliest, end.latest, end.exit_code) == (2.4, 3, 0)


def test_who_was_cut_off_may_have_lived_on() -> None:
    tale = started()
    tale.cut(2.4, "a")
    tale.killed(7.5, "a")
    end = tale.view().workers[tale.worker("a")].end
    assert end is not None
    assert (end.earliest, end.latest, end.killed) == (7, 8, True)


def test_a_pod_that_is_gone_and_a_run_that_has_a_successor_are_over() -> None:
    tale = started()
    first = tale.worker("a")
    tale.came(5, "a")
    tale.deleted(9, "b")
    workers = tale.view().workers
    ends = [workers[one].end for one in (first, tale.worker("b"))]
    assert [end and (end.latest, end.exit_code) for end in ends] == [(5, None), (9, None)]
    assert workers[tale.worker("a")].end is None


# -- idle times ---------------------------------------------------------------------------------


def idle(tale: Tale) -> list[tuple[float, float]]:
    return [(one.since, one.until) for one in tale.view().idle.spans]


def test_idle_from_asking_until_given() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a")
    tale.asked(1, "a")
    tale.given(3, "a", "apple")
    tale.settled(5, "a", "apple")
    tale.asked(6, "a")
    tale.empty(6, "a")
    tale.asked(7, "a")
    tale.exited(9, "a")
    assert idle(tale) == [(1, 3), (6, 9)]


def test_not_idle_while_held_nor_without_asking() -> None:
    tale = Tale("fine")
    for who in "ab":
        tale.came(0, who)
    tale.asked(1, "a")
    tale.held(2, "a")
    tale.resume_client(4, "a")
    tale.over(6)
    assert idle(tale) == [(1, 2), (4, 6)]


def test_idle_time_is_counted_once() -> None:
    tale = Tale("fine")
    for who in "ab":
        tale.came(0, who)
    tale.asked(1, "a")
    tale.asked(3, "b")
    tale.closed(4, "a")
    tale.closed(8, "b")
    tale.over(9)
    within = tale.view().idle.within
    assert [within(0, 9), within(2, 3.5), within(5, 99), within(8, 9)] == [7, 1.5, 3, 0]


@pytest.mark.parametrize(
    ("taken", "span", "rest"),
    [
        ([], (0, 9), [(0, 9)]),
        ([(2, 4), (3, 5), (8, 12)], (0, 9), [(0, 2), (5, 8)]),
        ([(0, 9)], (2, 4), []),
        ([(0, 1), (1, 2)], (1, 1), []),
        ([(0, 1)], (1, 1), [(1, 1)]),
    ],
)
def test_what_is_left_of_a_span(
    taken: list[tuple[float, float]], span: tuple[float, float], rest: list[tuple[float, float]]
) -> None:
    assert list(without(taken, span)) == rest


# -- figures ------------------------------------------------------------------------------------


def test_figures_of_a_run() -> None:
    for tale, published in ((good_fine(), None), (good_coarse(), ())):
        assert measure(tale.view()) == Figures(
            work=1.0,
            pace=1.0,
            lease=None,
            pod_start=0.0,
            starts_matched=True,
            settles_after_work=True,
            starts_told="always",
            ends_told="always",
            log_live=True,
            ends_first=True,
            enough=0.5,
            longest=1.0,
            longest_pace=1.0,
            published=published,
        )


def test_a_line_is_about_the_delivery_before_it_unless_that_has_its_own() -> None:
    """A tenth of a second is what clocks may differ by, and in it another may have been given."""
    tale = started(copies=2)
    tale.began(1, "a", "apple")
    tale.finished(2, "a", "apple")
    tale.settled(2.01, "a", "apple")
    tale.given(2.02, "a", "apple", final=True)
    tale.began(2.01, "a", "apple")
    first, second = item(tale).attempts
    assert (first.started is None, first.done is None) == (False, False)
    assert (second.started is None, second.done is None) == (False, True)


def test_what_waits_in_stock_does_not_make_the_work_slower() -> None:
    tale = Tale("fine")
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "A")
    for item in ("apple", "banana", "cherry"):
        tale.given(1, "A", item)
    for moment, item in ((1, "apple"), (6, "banana"), (11, "cherry")):
        tale.began(moment, "A", item)
        tale.finished(moment + 5, "A", item)
        tale.settled(moment + 5, "A", item)
    seen = measure(tale.view())
    assert (seen.work, seen.pace) == (10.0, 5.0)
    assert (seen.longest, seen.longest_pace) == (15.0, 5.0)


def test_the_longest_work_is_not_the_usual_one() -> None:
    tale = Tale("fine")
    tale.sent("apple", "banana", "cherry")
    tale.came(0, "a")
    for moment, item, lasts in ((1, "apple", 1), (2, "banana", 70), (72, "cherry", 1)):
        tale.given(moment, "a", item, until=moment + 5 * lasts)
        tale.settled(moment + lasts, "a", item)
    seen = measure(tale.view())
    assert (seen.work, seen.longest, seen.longest_pace, seen.lease) == (1.0, 70.0, 70.0, 350.0)


def test_figures_of_one_who_settles_first() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a")
    tale.given(1, "a", "apple", until=11.5)
    tale.settled(1, "a", "apple")
    tale.finished(4, "a", "apple")
    seen = measure(tale.view())
    assert (seen.work, seen.lease, seen.settles_after_work) == (3.0, 10.5, False)
    assert seen.starts_matched is None


def test_figures_of_one_who_pops_for_good() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(0, "a")
    tale.given(1, "a", "apple", final=True)
    tale.asked(4, "a")
    assert measure(tale.view()).work == 3.0


def test_figures_without_anything_to_see() -> None:
    assert measure(Tale("fine").view()) == Figures()


def test_a_start_of_something_else_does_not_match() -> None:
    tale = good_fine()
    tale.began(3, "a", "the day")
    assert measure(tale.view()).starts_matched is False


# -- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("apple-1", "apple-1"),
        ("", '""'),
        ("two words", '"two words"'),
        ("\x1b[31mred\r\n", r'"\x1b[31mred\r\n"'),
        ("x" * 61, f'"{"x" * 60}…" (61 characters)'),
        (Raw(b"\xff\x00a"), r'"\xff\x00a"'),
        (Raw(b"\xff" * 99), '"' + r"\xff" * 60 + '…" (99 bytes)'),
        (Digest("0123456789abcdef", 70000), "(70000 bytes, sha256 0123456789ab)"),
    ],
)
def test_how_an_item_is_shown(payload: Payload, text: str) -> None:
    assert shown(payload) == text


def test_numbers_have_their_nouns() -> None:
    assert [several(number, "item") for number in (0, 1, 2)] == ["0 items", "1 item", "2 items"]


def test_nothing_acts_on_the_terminal() -> None:
    assert clean("a\x1b]0;title\x07\u202eb\u2028") == r"a\x1b]0;title\x07\u202eb\u2028"


def test_deliveries_and_settlements_of_strangers_are_kept() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.put(1, "tap", ItemDelivered("apple", 99, at=1.0))
    tale.put(2, "tap", ItemSettled("apple", 99, "acked", at=2.0))
    assert attempt(tale).worker is None
    assert item(tale).unsettled == 0


# -- whose the connections of short runs are -------------------------------------------------------


def short(*addresses: str, known: str = "", runs: str = "a") -> Tale:
    """Workers that were gone before anybody knew where they are; connections from there."""
    tale = Tale("coarse")
    tale.sent("apple")
    for name in runs:
        seen = PodSeen("added", f"uid-{name}", f"pod-{name}", "Pending", 1, address=known)
        tale.put(1.0, "pods", seen)
    for number, address in enumerate(addresses, start=1):
        tale.put(2.0, "tap", ConnectionOpened(number, address, 4000, at=2.0))
        tale.put(2.1, "tap", ConnectionClosed(number, "client", at=2.1))
    for name in runs:
        ended = ContainerSeen(
            Worker(f"uid-{name}"), "terminated", 2, exit_code=0, started=1.0, finished=2.0
        )
        tale.put(3.0, "pods", ended)
    return tale


def owners_of(tale: Tale) -> list[Worker | None]:
    return [one.worker for one in tale.view().connections.values()]


def test_the_only_run_that_can_have_made_a_connection_did() -> None:
    assert owners_of(short("10.0.0.1")) == [Worker("uid-a")]
    assert owners_of(short("10.0.0.1", "10.0.0.1")) == [Worker("uid-a")] * 2
    assert owners_of(short("10.0.0.1", known="10.0.0.1")) == [Worker("uid-a")]


def test_where_several_can_have_made_it_nobody_did() -> None:
    assert owners_of(short("10.0.0.1", runs="ab")) == [None]
    assert owners_of(short("10.0.0.1", "10.0.0.2")) == [None, None]
    assert owners_of(short("10.0.0.1", known="10.0.0.2")) == [None]
    tale = short("10.0.0.1")
    tale.put(3, "pods", NeighbourSeen("uid-x", "next", "10.0.0.1"))
    assert owners_of(tale) == [None]


@pytest.mark.parametrize("fields", [{"started": 3.0}, {"started": None}, {"finished": None}])
def test_a_run_that_was_not_there_then_did_not_make_it(fields: dict[str, Any]) -> None:
    tale = short("10.0.0.1")
    last = tale.events.pop()
    tale.put(3.0, "pods", msgspec.structs.replace(last.what, **fields))
    assert owners_of(tale) == [None]
