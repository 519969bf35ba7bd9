"""S18, isolation: two Jobs on two queues never share an item."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Outcome
from harness.history import (
    ConnectionOpened,
    ItemDelivered,
    ItemDone,
    ItemStarted,
    NeighbourSeen,
    RunEnded,
    Worker,
)
from harness.suites.unit.dsl.history import Tale, good_fine

THEIRS = "next-apple"
ADDRESS = "10.0.9.9"
NUMBER = 99


def beside(*, connected: bool = True) -> Tale:
    """A good run, and another Job beside it, whose only pod connects."""
    tale = good_fine(neighbours=(THEIRS,))
    end = tale.events.pop()
    tale.put(9.1, "pods", NeighbourSeen("uid-x", "pod-x", ADDRESS))
    if connected:
        tale.put(9.2, "tap", ConnectionOpened(NUMBER, ADDRESS, 4000, at=1.0))
    tale.put(9.9, end.source, end.what)
    return tale


def test_each_has_its_own() -> None:
    assert beside().finds("S18") is Outcome.PASS


def test_the_first_connection_of_the_other_job_is_shown() -> None:
    tale = beside()
    tale.put(9.9, "tap", ConnectionOpened(NUMBER + 1, ADDRESS, 4001, at=2.0))
    first = next(
        one.id
        for one in tale.events
        if isinstance(one.what, ConnectionOpened) and one.what.address == ADDRESS
    )
    (found,) = tale.judged("S18").findings
    assert found.evidence == (first,)


def test_the_other_job_never_came() -> None:
    assert beside(connected=False).finds("S18") is Outcome.UNKNOWN


def test_somebody_else_was_at_the_broker() -> None:
    """Nobody knows who, but it is no pod of the other Job."""
    tale = beside(connected=False)
    tale.put(9.9, "tap", ConnectionOpened(NUMBER, "10.0.9.10", 4000, at=1.0))
    assert tale.finds("S18") is Outcome.UNKNOWN


def test_there_was_no_other_job() -> None:
    assert good_fine().finds("S18") is Outcome.UNKNOWN


def test_they_were_given_an_item_of_ours() -> None:
    tale = beside()
    tale.put(9.95, "tap", ItemDelivered("apple", NUMBER, at=3.0))
    finding = tale.failure("S18")
    assert finding.reason == "apple was given to pod pod-x, which is another Job's"
    assert tale.what(finding) == [NeighbourSeen, ItemDelivered]


def test_it_is_sure_even_when_the_run_was_broken_off() -> None:
    tale = beside()
    tale.put(9.95, "tap", ItemDelivered("apple", NUMBER, at=3.0))
    tale.drop(RunEnded)
    assert tale.finds("S18") is Outcome.FAIL


@pytest.mark.parametrize(("kind", "says"), [(ItemStarted, "begins"), (ItemDone, "has finished")])
def test_ours_work_on_an_item_of_theirs(kind: type, says: str) -> None:
    tale = beside()
    tale.put(9.95, "logs", kind(THEIRS, Worker("uid-a"), at=3.0))
    finding = tale.failure("S18")
    assert tale.what(finding) == [kind]
    assert finding.reason == f"worker 1 {says} next-apple, which is another Job's"


def test_what_nobody_has_sent_is_not_theirs() -> None:
    tale = beside()
    tale.put(9.95, "logs", ItemStarted("nothing", Worker("uid-a"), at=3.0))
    assert tale.finds("S18") is Outcome.PASS


def test_a_pod_of_ours_may_have_had_that_address() -> None:
    """Addresses are used again: whose a connection is known to be, is not the other Job's."""
    tale = beside(connected=False)
    tale.put(9.2, "tap", ConnectionOpened(tale.connection("a"), ADDRESS, 4000, at=1.0))
    tale.put(9.95, "tap", ItemDelivered("apple", tale.connection("a"), at=3.0))
    assert tale.finds("S18") is Outcome.UNKNOWN
