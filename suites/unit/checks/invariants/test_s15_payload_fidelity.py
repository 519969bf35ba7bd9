"""S15, payload fidelity: the bytes of an item are worked on, all of them and no others."""

from __future__ import annotations

from hashlib import sha256

import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    ConnectionOwner,
    ItemDelivered,
    ItemSettled,
    Payload,
    RunEnded,
    WorkDigested,
    payload,
)
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine

LONG = b"x" * 100_000


def worked(told: dict[bytes, bytes | None], pattern: str = "fine") -> Tale:
    """A worker does these items one by one, and says of each which bytes it works on."""
    tale = Tale(pattern, completions=len(told) if pattern == "coarse" else None)
    tale.sent(*map(payload, told))
    tale.came(0, "a")
    for moment, (item, said) in enumerate(told.items(), start=1):
        one: Payload = payload(item)
        tale.given(2 * moment, "a", one)
        if said is not None:
            tale.digested(2 * moment + 0.1, "a", sha256(said).hexdigest())
        tale.settled(2 * moment + 1, "a", one)
    tale.over(20)
    return tale


#: When who said what it works on.
Told = tuple[float, str, bytes]
PLAIN: Told = (2.1, "a", b"plain")


def twice(*told: Told) -> Tale:
    """`a` has plain from 2 to 3, and other from 4 to 5; `b` has nothing. Logs are read later."""
    tale = Tale("fine")
    tale.sent("plain", "other")
    for who in "ab":
        tale.came(0, who)
    for start, item in ((2.0, "plain"), (4.0, "other")):
        tale.given(start, "a", item)
        tale.settled(start + 1, "a", item)
    for moment, who, said in told:
        tale.digested(moment, who, sha256(said).hexdigest())
    tale.over(20)
    return tale


@pytest.mark.parametrize("item", [b"", b"\xff\x00", b"one\ntwo\n", LONG])
def test_all_bytes(item: bytes) -> None:
    (found,) = worked({b"plain": b"plain", item: item}).judged("S15").findings
    assert found.outcome is Outcome.PASS
    assert found.reason == "2 items worked on byte for byte"


@pytest.mark.parametrize("moment", [3.9, 3.95, 4.0, 5.5])
def test_the_clocks_of_worker_and_broker_differ_a_little(moment: float) -> None:
    """The worker may seem to begin before it was given its item, but not by much."""
    assert twice(PLAIN, (moment, "a", b"other")).finds("S15") is Outcome.PASS


@pytest.mark.parametrize("moment", [1.0, 2.5, 3.5])
def test_what_it_said_before_is_not_of_this_one(moment: float) -> None:
    """As when it was given an equal one before."""
    assert twice(PLAIN, (moment, "a", b"other")).finds("S15") is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("item", "said"), [(b"one\ntwo", b"one"), (LONG, LONG[:65536]), (b"", b"None")]
)
def test_other_bytes(item: bytes, said: bytes) -> None:
    tale = worked({b"plain": b"plain", item: said})
    finding = tale.failure("S15")
    assert tale.what(finding) == [ItemDelivered, WorkDigested, ItemSettled]
    assert "worked on other bytes than those of" in finding.reason


@pytest.mark.parametrize("moment", [3.9, 3.95, 4.0])
def test_other_bytes_just_then(moment: float) -> None:
    tale = twice(PLAIN, (moment, "a", b"oth"))
    finding = tale.failure("S15")
    assert finding.reason == "worker 1 worked on other bytes than those of other"
    assert tale.what(finding) == [ItemDelivered, ItemSettled, WorkDigested]


@pytest.mark.parametrize("moment", [0.5, 2.5, 3.5])
def test_other_bytes_before_are_of_something_else(moment: float) -> None:
    assert twice(PLAIN, (moment, "a", b"oth")).finds("S15") is Outcome.UNKNOWN


@pytest.mark.parametrize("moment", [4.0, 4.5])
def test_other_bytes_after_the_next_was_given_are_of_that(moment: float) -> None:
    """`b` says only that the digests are of items at all."""
    tale = twice((2.1, "b", b"plain"), (moment, "a", b"oth"))
    assert tale.failure("S15").reason == "worker 1 worked on other bytes than those of other"


def test_other_bytes_are_seen_even_when_the_run_was_broken_off() -> None:
    tale = twice(PLAIN, (4.1, "a", b"oth"))
    tale.drop(RunEnded)
    assert tale.finds("S15") is Outcome.FAIL


def test_one_that_was_not_settled_says_nothing_about_the_others() -> None:
    tale = twice(PLAIN, (4.1, "a", b"oth"))
    tale.drop(ItemSettled, item="plain")
    assert tale.finds("S15") is Outcome.FAIL


def test_what_was_set_aside_is_not_asked_for() -> None:
    """Who cannot read an item need not begin with it."""
    tale = twice(PLAIN)
    tale.drop(ItemSettled, item="other")
    tale.settled(19, "a", "other", "dead")
    (found,) = tale.judged("S15").findings
    assert found.reason == "1 item worked on byte for byte"


def test_what_another_says_is_not_its_word() -> None:
    tale = twice(PLAIN, (4.1, "b", b"other"))
    reasons = [one.reason for one in tale.judged("S15").findings]
    assert "worker 1 did not tell which bytes of other it worked on" in reasons


def test_nobody_tells() -> None:
    assert good_fine().finds("S15") is Outcome.UNKNOWN
    assert good_coarse().finds("S15") is Outcome.UNKNOWN


def test_one_is_not_told_of() -> None:
    assert worked({b"plain": b"plain", b"other": None}).finds("S15") is Outcome.UNKNOWN


def test_digests_of_something_else() -> None:
    """As of the worker's own model files."""
    tale = worked({b"plain": b"model", b"other": b"model"})
    (found,) = tale.judged("S15").findings
    assert found.outcome is Outcome.UNKNOWN
    first = next(one.id for one in tale.events if isinstance(one.what, WorkDigested))
    assert found.evidence == (first,)


def test_nobody_knows_whose_an_item_was() -> None:
    tale = worked({b"plain": b"plain"})
    tale.drop(ConnectionOwner)
    (found,) = tale.judged("S15").findings
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "nobody knows who worked on plain"


def test_what_was_not_settled_is_not_asked_for() -> None:
    tale = worked({b"plain": b"plain"})
    tale.given(10, "a", "plain")
    assert tale.finds("S15") is Outcome.PASS


def test_a_digest_of_the_result_beside_that_of_the_item_accuses_nobody() -> None:
    """It prints the item's digest on first attempts only, and the result's always."""
    tale = twice(PLAIN, (2.9, "a", b"a result"), (4.9, "a", b"another result"))
    (odd,) = [one for one in tale.judged("S15").findings if one.outcome is not Outcome.PASS]
    assert odd.outcome is Outcome.UNKNOWN
    assert "--digest-pattern" in odd.reason


def test_another_digest_of_a_worker_that_prints_one_for_each_item() -> None:
    tale = twice(PLAIN, (4.1, "a", b"oth"))
    assert tale.finds("S15") is Outcome.FAIL
