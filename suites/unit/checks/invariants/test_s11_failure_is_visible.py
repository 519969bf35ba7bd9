"""S11, failure is visible: as an exit code, or as an item in a dead-letter place."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.verdict import Outcome, Subject
from harness.history import (
    BrokerDepth,
    ContainerSeen,
    CopyLeft,
    Figures,
    ItemDelivered,
    ItemEnqueued,
    ItemReclaimed,
    ItemSettled,
    MessagePublished,
    Payload,
    Raw,
)
from harness.suites.unit.dsl.history import Tale, good_coarse


def attempted(pattern: str, code: int | None, **fields: Any) -> Tale:
    """A worker is given the failing item, settles nothing, and ends so."""
    tale = Tale(pattern, **{"failing_item": "apple", **fields})
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.began(1.1, "a", "apple")
    if code is not None:
        tale.exited(3, "a", code)
    tale.over(20)
    return tale


def test_it_exits_with_a_failure() -> None:
    for pattern in ("coarse", "fine"):
        assert attempted(pattern, 1).finds("S11") is Outcome.PASS


def test_it_exits_with_success() -> None:
    for pattern in ("coarse", "fine"):
        tale = attempted(pattern, 0)
        kinds = tale.what(tale.failure("S11"))
        assert kinds[0] is ItemDelivered
        assert kinds[-1] is ContainerSeen


def test_nobody_has_to_say_which_item_fails() -> None:
    """A message that went back unsettled, and success: the script around it has crashed."""
    assert attempted("coarse", 0, failing_item=None).finds("S11") is Outcome.FAIL
    assert attempted("coarse", 1, failing_item=None).finds("S11") is Outcome.PASS


def test_given_back_and_success() -> None:
    tale = attempted("coarse", None, failing_item=None)
    tale.returned(2, "a", "apple")
    tale.exited(3, "a", 0)
    assert tale.finds("S11") is Outcome.FAIL


def test_set_aside() -> None:
    tale = attempted("fine", None)
    tale.settled(2, "a", "apple", "dead")
    assert tale.finds("S11") is Outcome.PASS


def test_set_aside_by_the_broker() -> None:
    tale = attempted("coarse", None)
    tale.settled(2, "a", "apple", "refused", effective=None)
    tale.exited(3, "a", 0)
    assert tale.finds("S11") is Outcome.FAIL
    tale.left(5, "apple", where="dead", queue="dead letters")
    assert tale.finds("S11") is Outcome.PASS


def swallowed(**fields: Any) -> Tale:
    tale = attempted("fine", None, **fields)
    tale.settled(2, "a", "apple")
    tale.exited(3, "a", 0)
    return tale


def test_swallowed() -> None:
    tale = swallowed(failing_known=True)
    assert tale.what(tale.failure("S11")) == [ItemDelivered, ItemSettled, ContainerSeen]


def test_digested() -> None:
    """Nobody has said that this item makes the handler fail, and it did not."""
    assert swallowed().finds("S11") is Outcome.UNKNOWN
    assert swallowed(failing_item=Raw(b"\xff")).finds("S11") is Outcome.UNKNOWN


def test_the_failing_item_is_known_by_its_bytes() -> None:
    tale = Tale("fine", failing_item=Raw(b"\xff"), failing_known=True)
    tale.sent(Raw(b"\xff"))
    tale.came(1, "a")
    tale.worked(1, "a", Raw(b"\xff"))
    tale.exited(3, "a")
    tale.over(20)
    assert tale.finds("S11") is Outcome.FAIL


def dropped(pattern: str, code: int = 1, **fields: Any) -> Tale:
    """It settles the item on which the work fails, and exits so; the broker has nothing of it."""
    tale = attempted(pattern, None, **{"failing_known": True, **fields})
    tale.settled(2, "a", "apple")
    tale.exited(3, "a", code)
    tale.left(20)
    return tale


@pytest.mark.parametrize("code", [0, 1, 137])
def test_settled_and_then_it_exits_with_a_failure(code: int) -> None:
    """An exit code brings the item back as little as the one of who is killed only then."""
    for pattern in ("fine", "coarse"):
        tale = dropped(pattern, code)
        assert tale.what(tale.failure("S11")) == [ItemDelivered, ItemSettled, ContainerSeen]


def test_whether_it_was_dropped_is_not_known() -> None:
    """Nobody said that it fails; nobody looked; it says that it is done, and the broker has it."""
    assert dropped("fine", failing_known=False).finds("S11") is Outcome.UNKNOWN
    tale = dropped("fine")
    tale.drop(BrokerDepth)
    assert tale.finds("S11") is Outcome.UNKNOWN
    tale = attempted("fine", None, failing_known=True)
    tale.finished(2, "a", "apple")
    tale.exited(3, "a", 1)
    tale.left(20, "apple")
    assert tale.finds("S11") is Outcome.PASS


def sent_elsewhere(
    item: Payload | None = "apple",
    *,
    place: str = "failed",
    exchange: str = "",
    lasting: bool | None = True,
    copy: str | None = "failed",
    code: int = 1,
    how: Any = "acked",
    **fields: Any,
) -> Tale:
    """It publishes a message elsewhere, settles the item, and exits; so much is left of it."""
    tale = Tale("coarse", **{"failing_item": "apple", "failing_known": True, **fields})
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    message = MessagePublished(tale.connection("a"), exchange, place, item, lasting, at=1.9)
    tale.put(1.9, "tap", message)
    tale.settled(2, "a", "apple", how)
    tale.exited(3, "a", code)
    tale.came(4, "b")
    tale.worked(4, "b", "banana")
    published = MessagePublished(tale.connection("b"), "", "results", "banana", True, at=4.5)
    tale.put(5, "tap", published)
    tale.exited(6, "b")
    tale.put(20, "broker", CopyLeft("banana", "results"))
    if copy is not None:
        tale.put(20, "broker", CopyLeft("apple", copy))
    tale.left(20)
    tale.over(21)
    return tale


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("how", ["acked", "refused"])
def test_it_has_set_it_aside_in_a_queue_of_its_own(code: int, how: str) -> None:
    tale = sent_elsewhere(code=code, how=how)
    assert tale.finds("S11") is Outcome.PASS
    assert tale.finds("S1") is not Outcome.FAIL
    # By way of an exchange: its queue shows it.
    assert sent_elsewhere(exchange="e", place="k", lasting=None).finds("S11") is Outcome.PASS


@pytest.mark.parametrize(
    "fields",
    [
        {"copy": None},  # its queue has lost it
        {"lasting": False},  # its queue goes with who declared it
        {"lasting": False, "copy": None},
        {"item": "banana", "copy": None},
    ],
)
@pytest.mark.parametrize("how", ["acked", "refused"])
def test_a_copy_that_nobody_can_find_is_none(fields: dict[str, Any], how: str) -> None:
    assert sent_elsewhere(**fields, how=how).finds("S11") is Outcome.FAIL


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"item": None, "copy": None}, "JSON, hex or base64"),
        ({"place": "results", "copy": "results"}, "a place for failures alone"),
        ({"exchange": "e", "place": "k", "lasting": None, "copy": None}, "exchange e"),
        ({"lasting": None, "copy": None}, "declare the queue"),
        (
            {"copy": "failed", "figures": Figures(work=1.0, published=("failed",))},
            "a place for failures alone",
        ),
    ],
)
@pytest.mark.parametrize("how", ["acked", "refused"])
def test_what_may_be_a_dead_letter(fields: dict[str, Any], word: str, how: str) -> None:
    tale = sent_elsewhere(**fields, how=how)
    finding = next(one for one in tale.judged("S11").findings if one.outcome is Outcome.UNKNOWN)
    assert word in finding.reason
    assert tale.finds("S11") is Outcome.UNKNOWN
    assert tale.finds("S1") is not Outcome.FAIL


def test_what_it_sends_when_the_item_is_gone_is_no_copy_of_it() -> None:
    tale = dropped("coarse")
    tale.put(25, "tap", MessagePublished(tale.connection("a"), "", "bye", None, at=25.0))
    assert tale.finds("S11") is Outcome.FAIL


def test_it_sends_it_anew() -> None:
    """By itself, or by way of a queue where it waits: it is there once more."""
    tale = attempted("coarse", None, failing_known=True)
    tale.settled(2, "a", "apple")
    tale.put(2.5, "tap", ItemEnqueued("apple", "queue", None, at=2.5))
    tale.exited(3, "a", 1)
    tale.left(20, "apple", "banana")
    assert tale.finds("S11") is Outcome.PASS
    assert tale.finds("S14") is not Outcome.FAIL


@pytest.mark.parametrize("code", [0, 1])
def test_rejected_without_a_dead_letter_exchange(code: int) -> None:
    for fields in ({}, {"failing_known": True}):
        tale = attempted("coarse", None, **fields)
        tale.settled(2, "a", "apple", "refused", effective=None)
        tale.exited(3, "a", code)
        tale.left(20)
        assert tale.finds("S11") is Outcome.FAIL
        assert tale.what(tale.failure("S1")) == [ItemSettled, BrokerDepth]


def test_rejected_and_nobody_knows_who_takes_what_is_dead_lettered() -> None:
    tale = attempted("coarse", None, dead_letters=True)
    tale.settled(2, "a", "apple", "refused", effective=None)
    tale.exited(3, "a", 1)
    tale.left(20)
    assert tale.finds("S11") is Outcome.UNKNOWN
    assert tale.finds("S1") is Outcome.UNKNOWN
    tale.put(20, "broker", CopyLeft("apple", "taken", dead_lettered=True))
    assert tale.finds("S11") is Outcome.PASS
    assert tale.finds("S1") is not Outcome.FAIL


def test_nobody_saw_what_it_did_after_it_had_settled() -> None:
    """It may yet exit with a failure; who takes another item does not."""
    tale = attempted("fine", None, failing_known=True)
    tale.settled(2, "a", "apple")
    assert tale.finds("S11") is Outcome.UNKNOWN
    tale.asked(3, "a")
    assert tale.finds("S11") is Outcome.FAIL


def test_after_it_had_settled_it_was_given_more() -> None:
    """What it had got, or had asked for, before that says nothing."""
    tale = Tale("coarse", failing_item="apple", failing_known=True)
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "a")
    tale.given(1, "a", "banana")
    tale.given(1.1, "a", "apple")
    tale.asked(1.5, "a")
    tale.settled(2, "a", "apple")
    tale.over(20)
    assert tale.finds("S11") is Outcome.UNKNOWN
    tale.given(3, "a", "cherry")
    assert tale.finds("S11") is Outcome.FAIL


def test_its_delivery_alone_has_settled_it() -> None:
    """Without acknowledgements, nothing shows yet that its worker goes on."""
    tale = Tale("coarse", failing_item="apple", failing_known=True)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple", final=True)
    tale.over(20)
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_no_work_failed() -> None:
    (finding,) = good_coarse().judged("S11").findings
    assert finding.reason == "no work failed in this run"
    assert finding.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("owned", [True, False])
def test_it_is_still_being_tried(owned: bool) -> None:
    tale = Tale("fine", failing_item="apple")
    tale.sent("apple")
    tale.came(1, "a", owned=owned)
    given = tale.given(1, "a", "apple")
    tale.over(20)
    (finding,) = tale.judged("S11").findings
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "nobody saw how the work on the failing item ended"
    assert finding.evidence == (given,)


def test_rejected_and_nobody_looked() -> None:
    tale = attempted("coarse", None)
    tale.settled(2, "a", "apple", "refused")
    tale.exited(3, "a", 1)
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_refused_and_still_there() -> None:
    """It may yet exit with a failure."""
    tale = attempted("coarse", None)
    tale.settled(2, "a", "apple", "refused")
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_nobody_saw_its_exit_code() -> None:
    tale = attempted("fine", None)
    tale.deleted(3, "a")
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_one_worker_hangs_on_it_the_next_fails() -> None:
    tale = attempted("fine", None)
    tale.came(10, "b")
    tale.given(10, "b", "apple")
    tale.exited(12, "b", 1)
    assert tale.finds("S11") is Outcome.PASS


def test_one_attempt_was_seen_to_fail_the_next_goes_on() -> None:
    tale = attempted("coarse", 1)
    tale.came(10, "b")
    tale.given(10, "b", "apple", redelivered=True)
    assert tale.finds("S11") is Outcome.PASS


def test_a_worker_that_was_killed_did_not_fail() -> None:
    assert attempted("coarse", 137, failing_item=None).finds("S11") is Outcome.UNKNOWN
    tale = attempted("coarse", None)
    tale.harmed(2, "a fault", "a")
    tale.killed(3, "a")
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_who_is_still_at_work_has_not_failed() -> None:
    assert attempted("fine", None, failing_item=None).finds("S11") is Outcome.UNKNOWN


def in_its_hands(code: int, *, until: float | None = None) -> Tale:
    """It does one item, and exits by 4 with another, which is taken from it at some time."""
    tale = Tale("fine")
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.came(1, "b")
    tale.worked(1, "a", "apple", 0.5)
    tale.given(2, "a", "banana")
    tale.exited(3, "a", code)
    if until is not None:
        tale.reclaimed(until, "b", "banana")
    tale.over(60)
    return tale


@pytest.mark.parametrize("until", [None, 4.0, 30.0])
def test_it_ends_with_an_item_in_its_hands(until: float | None) -> None:
    tale = in_its_hands(0, until=until)
    kinds = tale.what(tale.failure("S11"))
    assert kinds == [ItemDelivered, ContainerSeen, *[ItemReclaimed] * (until is not None)]
    assert in_its_hands(1, until=until).finds("S11") is Outcome.PASS


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("until", [2.5, 3.9])
def test_what_may_have_been_taken_from_it_before_was_not_in_its_hands(
    code: int, until: float
) -> None:
    assert in_its_hands(code, until=until).finds("S11") is Outcome.UNKNOWN


def test_coarse_it_fails_with_the_second() -> None:
    tale = Tale("coarse")
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.given(2, "a", "banana")
    tale.exited(3, "a", 1)
    tale.over(20)
    assert tale.finds("S11") is Outcome.PASS


@pytest.mark.parametrize("returned", [True, False])
def test_of_several_it_fails_with_the_last(returned: bool) -> None:
    tale = Tale("coarse")
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    if returned:
        tale.returned(1.5, "a", "apple")
    given = tale.given(2, "a", "banana")
    tale.exited(3, "a", 1)
    tale.over(20)
    (finding,) = tale.judged("S11").findings
    assert finding.outcome is Outcome.PASS
    assert finding.evidence[0] == given


def test_it_says_that_it_has_done_it() -> None:
    """Then its work has not failed, whatever came of its word."""
    tale = attempted("fine", None, failing_item=None)
    tale.finished(2, "a", "apple")
    tale.exited(3, "a")
    assert tale.finds("S11") is Outcome.UNKNOWN
    tale = attempted("fine", None, failing_item=None)
    tale.settled(2, "a", "apple", effective=False)
    tale.exited(3, "a")
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_its_word_reaches_the_broker_after_its_end() -> None:
    tale = attempted("fine", None, failing_item=None)
    tale.held(2, "a")
    tale.exited(3, "a")
    tale.settled(10, "a", "apple")
    tale.resume_client(10, "a")
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_what_was_only_in_stock_has_not_failed() -> None:
    tale = attempted("coarse", None, failing_item=None)
    tale.given(1, "a", "banana")
    tale.settled(2, "a", "apple")
    tale.exited(3, "a", 0)
    assert tale.finds("S11") is Outcome.UNKNOWN


def test_the_failing_item_was_only_in_stock_at_a_success() -> None:
    """As amqp-consume gets one more message between its acknowledgement and its end."""
    tale = Tale("coarse", failing_item="apple", failing_known=True)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(1, "a", "banana")
    tale.given(2.1, "a", "apple")
    tale.exited(3, "a")
    tale.over(20)
    assert tale.finds("S11") is Outcome.UNKNOWN
    tale = Tale("coarse", failing_item="apple", failing_known=True)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(1, "a", "banana")
    tale.given(2.1, "a", "apple")
    tale.began(2.2, "a", "apple")
    tale.exited(3, "a")
    tale.over(20)
    assert tale.finds("S11") is Outcome.FAIL


@pytest.mark.parametrize("own_job", [True, False])
def test_an_exit_code_that_the_jobs_shell_hides(own_job: bool) -> None:
    """`worker || true` in the Job's command: 0 is the shell's word, and not the worker's."""
    tale = Tale("coarse", own_job=own_job, swallows="|| true")
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(2, "a", "apple")
    tale.exited(4, "a")
    tale.job(5, "Complete", succeeded=1)
    tale.left(6, "apple")
    tale.over(9)
    for name in ("S1", "S9", "S11", "S12"):
        (finding,) = tale.judged(name).findings
        assert finding.outcome is (Outcome.FAIL if own_job else Outcome.UNKNOWN), name
        assert "`|| true` hides a failure" in finding.reason
        if own_job:
            assert finding.subject is Subject.JOB


def test_a_redelivery_that_is_acknowledged_without_any_work_has_not_failed() -> None:
    """Nobody has worked on it there: that it is lost is for S1 to say."""
    figures = Figures(
        work=1.0,
        enough=0.7,
        starts_matched=True,
        settles_after_work=True,
        starts_told="always",
        ends_told="always",
        log_live=True,
    )
    tale = Tale("coarse", failing_item="apple", failing_known=True, figures=figures)
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    tale.began(1.1, "a", "apple")
    tale.returned(2, "a", "apple")
    tale.exited(3, "a", 1)
    tale.came(4, "b")
    tale.given(4, "b", "apple")
    tale.settled(4.1, "b", "apple")
    tale.exited(5, "b", 0)
    tale.over(20)
    found = tale.judged("S11").findings
    assert {one.outcome for one in found} == {Outcome.PASS, Outcome.UNKNOWN}


@pytest.mark.parametrize(
    ("times", "most", "outcome"),
    [
        (35, 5, Outcome.FAIL),
        (25, 5, Outcome.UNKNOWN),  # as many as Sidekiq allows
        (35, 20, Outcome.UNKNOWN),  # its owner has said that it may be tried often
        (85, 20, Outcome.FAIL),
    ],
)
def test_attempts_without_end_hide_the_failure(times: int, most: int, outcome: Outcome) -> None:
    tale = Tale("coarse", failing_item="poison", failing_known=True, max_attempts=most)
    tale.sent("poison")
    tale.came(1, "a")
    for number in range(times):
        tale.given(1 + number, "a", "poison")
        tale.began(1.1 + number, "a", "poison")
        tale.returned(1.9 + number, "a", "poison")
    tale.given(1 + times, "a", "poison")
    tale.over(times + 5)
    assert tale.finds("S11") is outcome
