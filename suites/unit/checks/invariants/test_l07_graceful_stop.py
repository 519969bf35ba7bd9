"""L7: a worker that is told to stop finishes or gives back, in time, and tells no lie about it."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Finding, Outcome, Verdict
from harness.history import (
    STOPPED,
    STOPS,
    ContainerSeen,
    FaultInjected,
    ItemDelivered,
    ItemEnqueued,
    ItemReturned,
    ItemSettled,
    LeaseExpired,
)
from harness.suites.unit.dsl.history import QUEUE, Tale, good_fine

SIGTERM = 143


def finding(tale: Tale) -> Finding:
    """The only thing that L7 says."""
    verdict: Verdict = tale.judged("L7")
    (found,) = verdict.findings
    return found


def stopped(pattern: str = "fine", fault: str = STOPPED) -> Tale:
    """`a` works on the apple from 1 on and is told to stop at 3; `b` is there, too."""
    tale = Tale(pattern, completions=1 if pattern == "coarse" else None)
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
        tale.asked(1, who)
    tale.given(1, "a", "apple")
    tale.began(1, "a", "apple")
    tale.harmed(3, fault, "a")
    return tale


def ended(tale: Tale) -> Tale:
    """`b` does what is left; the run is over."""
    tale.given(15, "b", "apple")
    tale.settled(16, "b", "apple")
    tale.exited(17, "b")
    tale.over(20)
    return tale


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_gives_back_and_fails(pattern: str) -> None:
    tale = stopped(pattern)
    tale.returned(4, "a", "apple")
    tale.exited(4, "a", SIGTERM)
    found = finding(ended(tale))
    assert found.outcome is Outcome.PASS
    assert found.reason == "worker 1 was told to stop, gave back apple and exited with 143"
    assert tale.what(found) == [ItemDelivered, FaultInjected, ItemReturned, ContainerSeen]


@pytest.mark.parametrize("fault", sorted(STOPS))
def test_whoever_has_told_it_to_stop(fault: str) -> None:
    """Deleted, evicted or drained: it is the same to the worker."""
    tale = stopped(fault=fault)
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.FAIL


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_finishes(pattern: str) -> None:
    tale = stopped(pattern)
    tale.settled(8, "a", "apple")
    tale.exited(8, "a")
    tale.over(20)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert found.reason == "worker 1 was told to stop, finished apple and exited with 0"
    assert tale.what(found) == [ItemDelivered, FaultInjected, ItemSettled, ContainerSeen]


@pytest.mark.parametrize("finished", ["apple", "banana"])
def test_of_several_items_what_it_did_with_the_last_is_told(finished: str) -> None:
    tale = Tale()
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    second = tale.given(1.5, "a", "banana")
    tale.harmed(3, STOPPED, "a")
    told = tale.events[-1].id - 2
    for item in ("apple", "banana"):
        last = (tale.settled if item == finished else tale.returned)(4, "a", item)
    end = tale.exited(5, "a", SIGTERM)
    tale.over(20)
    found = finding(tale)
    assert found.outcome is Outcome.PASS
    assert f"{'finished' if finished == 'banana' else 'gave back'} banana" in found.reason
    assert found.evidence == (second, told, last, end)


@pytest.mark.parametrize(("moment", "had"), [(2, False), (3, True), (3.5, True)])
def test_what_it_had_when_it_was_told(moment: float, had: bool) -> None:
    """What it settled in that very moment counts."""
    tale = Tale()
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(1, "a", "apple")
    if moment < 3:
        tale.settled(moment, "a", "apple")
    tale.harmed(3, STOPPED, "a")
    if moment >= 3:
        tale.settled(moment, "a", "apple")
    tale.exited(5, "a", SIGTERM)
    tale.over(20)
    reason = "worker 1 had no item when it was told to stop"
    assert (finding(tale).reason != reason) is had


def test_its_connection_gives_it_back() -> None:
    """A message belongs to the connection: any end in time will do."""
    tale = stopped("coarse")
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.PASS


def test_it_leaves_with_a_lease() -> None:
    tale = stopped()
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.FAIL
    assert tale.what(tale.failure("L7")) == [ItemDelivered, FaultInjected, ContainerSeen]
    assert tale.failure("L7").reason == "worker 1 was told to stop, and ended and kept apple"


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_tells_of_success(pattern: str) -> None:
    tale = stopped(pattern)
    tale.returned(4, "a", "apple")
    tale.exited(4, "a", 0)
    found = ended(tale).failure("L7")
    reason = "worker 1 was told to stop, and exited with 0 though apple was not done"
    assert found.reason == reason
    assert tale.what(found) == [ItemDelivered, FaultInjected, ContainerSeen]


def two(pattern: str, *, settled: tuple[str, ...], code: int = 0) -> Tale:
    """`a` has both items, is told to stop at 3, settles these, hands back the others and ends."""
    tale = Tale(pattern, completions=2 if pattern == "coarse" else None)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    for item in ("apple", "banana"):
        tale.given(1, "a", item)
    tale.harmed(3, STOPPED, "a")
    for item in ("apple", "banana"):
        if item in settled:
            tale.settled(4, "a", item)
        else:
            tale.returned(4, "a", item)
    tale.exited(4, "a", code)
    return tale


def test_fine_an_item_is_left() -> None:
    """What it had first then is shown."""
    tale = two("fine", settled=("apple",))
    tale.over(20)
    found = tale.failure("L7")
    assert found.reason.endswith("exited with 0 though banana was not done")
    assert tale.what(found) == [ItemDelivered, FaultInjected, ContainerSeen]


@pytest.mark.parametrize("settled", ["apple", "banana"])
def test_coarse_one_message_is_what_it_is_for(settled: str) -> None:
    tale = two("coarse", settled=(settled,))
    tale.over(20)
    assert tale.finds("L7") is Outcome.PASS


def test_coarse_its_own_message_is_named() -> None:
    """It had done two before, of which the success would tell as of one."""
    tale = Tale("coarse", completions=3)
    tale.sent("apple", "banana", "cherry")
    tale.came(1, "a")
    for item in ("apple", "banana"):
        tale.given(1, "a", item)
        tale.settled(2, "a", item)
    tale.given(2, "a", "cherry")
    tale.harmed(3, STOPPED, "a")
    tale.exited(4, "a", 0)
    tale.over(20)
    assert tale.failure("L7").reason.endswith("exited with 0 though cherry was not done")


def test_coarse_both_are_done_and_it_tells_of_one() -> None:
    """Nothing is left undone then, and its success is a lie all the same."""
    tale = two("coarse", settled=("apple", "banana"))
    tale.over(20)
    found = tale.failure("L7")
    assert found.reason.endswith("exited with 0 though it has settled 2 messages")


def test_coarse_it_has_done_nothing_and_others_all() -> None:
    tale = stopped("coarse")
    tale.drop(FaultInjected)
    tale.harmed(3, STOPPED, "b")
    tale.settled(3.5, "a", "apple")
    tale.exited(4, "b", 0)
    tale.over(20)
    found = tale.failure("L7")
    assert found.reason.endswith("exited with 0 though it has settled 0 messages")
    assert tale.what(found) == [FaultInjected, ContainerSeen]


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_whose_the_message_was_is_not_known(pattern: str) -> None:
    """It may have been its own, and then it may tell of success; fine, it is done."""
    tale = Tale(pattern, completions=1 if pattern == "coarse" else None)
    tale.sent("apple")
    tale.came(1, "a", owned=False)
    tale.given(1, "a", "apple")
    tale.harmed(3, STOPPED, "a")
    tale.settled(4, "a", "apple")
    tale.exited(4, "a", 0)
    tale.over(20)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    if pattern == "coarse":
        assert found.reason.endswith("worker 1 may have settled one")
        assert tale.what(found) == [ItemDelivered, FaultInjected, ContainerSeen]
    else:
        assert found.reason == "worker 1 had no item when it was told to stop"


def test_whose_another_message_was_does_not_matter_to_who_has_settled_two() -> None:
    tale = two("coarse", settled=("apple", "banana"))
    tale.sent("cherry")
    tale.came(5, "b", owned=False)
    tale.given(5, "b", "cherry")
    tale.over(20)
    assert tale.finds("L7") is Outcome.FAIL


def beside(sent: list[float], done: list[float]) -> Tale:
    """`a` finishes the apple, hangs up at 4, and has exited with 0 at 5; and there are bananas."""
    tale = stopped()
    tale.settled(3.5, "a", "apple")
    tale.exited(4, "a", 0)
    for moment in sent:
        tale.put(6, "tap", ItemEnqueued("banana", QUEUE, at=moment))
    for moment in done:
        tale.settled(moment, None, "banana")
    return tale


@pytest.mark.parametrize(
    ("sent", "done"),
    [
        ([0], []),
        ([0], [5.5]),
        ([3.9], [16]),
        ([0, 10], [16, 17]),
        ([0, 0, 10], [3, 16]),
    ],
)
def test_fine_another_item_was_not_done_when_it_ended(sent: list[float], done: list[float]) -> None:
    tale = beside(sent, done)
    tale.over(20)
    reason = "worker 1 was told to stop, and exited with 0 though banana was not done"
    assert tale.failure("L7").reason == reason


@pytest.mark.parametrize(
    ("sent", "done"),
    [
        ([0], [3]),
        ([0], [5]),
        ([4], [16]),
        ([4.5], []),
        ([10], []),
        ([0, 10], [3, 16]),
        ([0, 10], [3]),
    ],
)
def test_fine_what_is_sent_when_it_has_ended_is_for_others(
    sent: list[float], done: list[float]
) -> None:
    """Be it the same once more; and it may have ended when it hung up, or a second later."""
    tale = beside(sent, done)
    tale.over(20)
    assert tale.finds("L7") is Outcome.PASS


def test_fine_what_is_sent_later_and_set_aside_without_a_word_is_for_others() -> None:
    tale = beside([10], [])
    tale.left(19, "banana", where="dead", queue="queue.dead")
    tale.over(20)
    assert tale.finds("L7") is Outcome.PASS


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_it_had_to_be_killed(pattern: str) -> None:
    tale = stopped(pattern)
    tale.killed(33, "a")
    tale.over(40)
    reason = "worker 1 was told to stop, and had to be killed with apple"
    assert tale.failure("L7").reason == reason


def test_its_lease_was_over_before_its_end() -> None:
    """Then it has nothing any more that it could give back."""
    tale = stopped()
    tale.reclaimed(12, "b", "apple")
    tale.given(12, "b", "apple")
    tale.settled(13, "b", "apple")
    tale.exited(14, "a", 1)
    tale.over(20)
    assert tale.finds("L7") is Outcome.PASS


def just_given(moment: float, *, began: float | None = None) -> Tale:
    """`a` is given the apple just before it is told to stop, and ends with it."""
    tale = Tale()
    tale.sent("apple")
    tale.came(1, "a")
    tale.given(moment, "a", "apple")
    if began is not None:
        tale.began(began, "a", "apple")
    tale.harmed(3, STOPPED, "a")
    tale.exited(4, "a", SIGTERM)
    tale.over(20)
    return tale


@pytest.mark.parametrize("moment", [2, 2.9])
def test_it_may_not_have_known_of_the_item(moment: float) -> None:
    tale = just_given(moment)
    found = finding(tale)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "apple was on its way to worker 1 when it ended"
    assert tale.what(found) == [ItemDelivered, FaultInjected, ContainerSeen]


@pytest.mark.parametrize(("moment", "began"), [(1.9, None), (2.9, 2.95), (2, 3.5)])
def test_it_has_known_of_the_item(moment: float, began: float | None) -> None:
    assert just_given(moment, began=began).finds("L7") is Outcome.FAIL


@pytest.mark.parametrize(
    ("until", "outcome"), [(3.5, Outcome.PASS), (4, Outcome.PASS), (4.1, Outcome.FAIL)]
)
def test_it_has_ended_its_lease(until: float, outcome: Outcome) -> None:
    """Where a lease is a key, to delete it is to give the item back, at the very end, too."""
    tale = stopped()
    tale.leased(1, "a", "apple", 20)
    tale.put(3.5, "tap", LeaseExpired("apple", at=until))
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is outcome


def test_it_has_a_lease_yet() -> None:
    tale = stopped()
    tale.leased(1, "a", "apple", 20)
    tale.exited(4, "a", SIGTERM)
    assert ended(tale).finds("L7") is Outcome.FAIL


def test_it_had_nothing() -> None:
    tale = stopped()
    tale.drop(FaultInjected)
    tale.harmed(3, STOPPED, "b")
    tale.exited(4, "b", SIGTERM)
    tale.over(20)
    assert tale.finds("L7") is Outcome.UNKNOWN


def test_nobody_saw_its_exit_code() -> None:
    tale = stopped()
    tale.returned(4, "a", "apple")
    tale.deleted(5, "a")
    found = finding(ended(tale))
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "nobody saw with what worker 1 exited"


def nobody_saw(tale: Tale) -> bool:
    found = finding(tale)
    assert tale.what(found) == [FaultInjected]
    return (found.outcome, found.reason) == (
        Outcome.UNKNOWN,
        "nobody saw how the worker that was told to stop ended",
    )


def test_its_end_was_not_seen() -> None:
    tale = stopped()
    assert nobody_saw(ended(tale))


def test_it_is_not_known_who_was_told_to_stop() -> None:
    tale = stopped()
    tale.drop(FaultInjected)
    tale.harmed(3, STOPPED)
    tale.exited(4, "a", SIGTERM)
    assert nobody_saw(ended(tale))


@pytest.mark.parametrize("told", [3, 3.5])
def test_it_had_ended_before(told: float) -> None:
    tale = Tale()
    tale.sent("apple")
    for who in "ab":
        tale.came(1, who)
    tale.given(1, "a", "apple")
    tale.exited(2, "a", SIGTERM)  # within a second
    tale.harmed(told, STOPPED, "a")
    assert nobody_saw(ended(tale))


def test_nobody_was_told_to_stop() -> None:
    found = finding(good_fine())
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason == "no worker was told to stop"
