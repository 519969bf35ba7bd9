"""S5, fenced ack: who has lost an item to another can no longer settle it."""

from __future__ import annotations

from histories import Tale, good_fine

from harness.history import Figures, ItemDelivered, ItemSettled
from harness.verdict import Outcome

FIRST, SECOND = "t1", "t2"


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
    tale.over(20)
    found = tale.failure("S5")
    assert tale.what(found) == [ItemDelivered, ItemDelivered, ItemSettled]


def test_nobody_was_late() -> None:
    tale = lost()
    tale.settled(14, "b", "apple", token=SECOND)
    tale.over(20)
    assert tale.finds("S5") is Outcome.UNKNOWN
    assert good_fine().finds("S5") is Outcome.UNKNOWN


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
    assert tale.finds("S5") is Outcome.UNKNOWN


def test_of_equal_items_nobody_can_say_which_was_meant() -> None:
    tale = lost(("apple", "apple"))
    tale.settled(13, "a", "apple", token=FIRST)
    tale.over(20)
    assert tale.finds("S5") is Outcome.UNKNOWN
