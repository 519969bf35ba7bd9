"""S5, fenced ack: who has lost an item to another can no longer settle it."""

from __future__ import annotations

from harness.checks.verdict import Outcome
from harness.history import Figures, ItemDelivered, ItemSettled
from harness.suites.unit.dsl.history import Tale, good_fine

FIRST, SECOND = "t1", "t2"
NOBODY = ["nobody has reported an item as done that another had taken over"]


def told(tale: Tale) -> list[str]:
    """The reasons of all findings, none of which says that it holds, or does not."""
    findings = tale.judged("S5").findings
    assert all(one.outcome is Outcome.UNKNOWN for one in findings)
    return [one.reason for one in findings]


def lost(items: tuple[str, ...] = ("apple",)) -> Tale:
    """`a` hangs with an item, its lease ends at 11, and `b` is given it."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent(*items)
    for who in "ab":
        tale.came(0.5, who)
    tale.given(1, "a", "apple", until=11.0, token=FIRST)
    tale.reclaimed(12, "b", "apple")
    tale.given(12, "b", "apple", until=22.0, token=SECOND, redelivered=True)
    return tale


def test_a_late_report_takes_no_effect() -> None:
    tale = lost()
    tale.settled(13, "a", "apple", token=FIRST, effective=False)
    tale.settled(14, "b", "apple", token=SECOND)
    tale.over(20)
    assert tale.finds("S5") is Outcome.PASS


def test_a_late_report_settles_what_another_has() -> None:
    tale = lost()
    tale.settled(13, "a", "apple", token=FIRST)
    tale.settled(14, "b", "apple", token=SECOND, effective=False)
    for whole in (False, True):  # it was seen, so it stands also in half a history
        if whole:
            tale.over(20)
        (found,) = tale.judged("S5").findings
        assert found.outcome is Outcome.FAIL
        assert found.reason == "worker 1 settled apple, which worker 2 had been given by then"
        assert tale.what(found) == [ItemDelivered, ItemDelivered, ItemSettled]


def test_nobody_was_late() -> None:
    tale = lost()
    tale.settled(14, "b", "apple", token=SECOND)
    tale.over(20)
    assert told(tale) == told(good_fine()) == NOBODY


def test_its_own_later_delivery_is_another() -> None:
    """What `a` settles is what it was given last, though it once had lost it."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent("apple")
    tale.came(0.5, "a")
    tale.given(1, "a", "apple", until=11.0, token=FIRST)
    tale.reclaimed(12, "a", "apple")
    tale.given(12, "a", "apple", until=22.0, token=SECOND, redelivered=True)
    tale.settled(13, "a", "apple", token=SECOND)
    tale.over(20)
    assert told(tale) == NOBODY


def test_an_equal_item_of_its_own_is_nobody_elses() -> None:
    """It has both, each on a connection, and no names for them."""
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent("apple", "apple")
    tale.came(0.5, "a")
    tale.given(1, "a", "apple", until=11.0)
    first = tale.connection("a")
    tale.connected(1.5, "a")
    tale.given(2, "a", "apple", until=12.0)
    tale.put(3, "tap", ItemSettled("apple", first, "acked", at=3.0))
    tale.over(20)
    assert told(tale) == NOBODY


def test_who_gives_one_up_does_not_report_it_as_done() -> None:
    tale = Tale("fine", figures=Figures(work=1.0, lease=10.0))
    tale.sent("apple", "apple")
    for moment, who in enumerate("ab", start=1):
        tale.came(moment, who)
        tale.given(moment, who, "apple", until=moment + 10.0)
    tale.settled(3, "a", "apple", "refused")
    tale.over(20)
    assert told(tale) == NOBODY


def test_of_equal_items_nobody_can_say_which_was_meant() -> None:
    tale = lost(("apple", "apple"))
    tale.settled(13, "a", "apple", token=FIRST)
    tale.over(20)
    assert told(tale) == ["apple is there more than once: which one worker 1 meant is not known"]
