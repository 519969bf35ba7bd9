"""The poisonous item: who is given it next, and when there is no more of it."""

from __future__ import annotations

from harness.history import ConnectionHeld, Event, ItemEnqueued, ItemSettled, Observation
from harness.scenarios.poison_item import given

POINT = "before delivery"
PUT, HELD = ItemEnqueued("apple", "queue"), ConnectionHeld(1, "client", POINT)
SETTLED = ItemSettled("apple", 1, "acked", "1/1")


def found(*what: Observation, since: int = 0) -> bool | None:
    events = [Event(number, 1.0, "tap", one) for number, one in enumerate(what, start=1)]
    return given(events, POINT, "apple", since)


def test_nothing_is_known_before_anything_was_seen() -> None:
    assert found() is None
    assert found(PUT) is None
    assert found(ItemEnqueued("banana", "queue"), ItemSettled("banana", 1, "acked", "1/1")) is None


def test_somebody_is_held_with_it() -> None:
    assert found(PUT, HELD) is True
    assert found(PUT, HELD, SETTLED) is True
    assert found(PUT, ConnectionHeld(1, "broker", "before ack")) is None


def test_who_was_held_before_is_not_the_next() -> None:
    assert found(PUT, HELD, since=2) is None


def test_all_of_it_was_settled() -> None:
    assert found(PUT, HELD, SETTLED, since=2) is False


def test_what_was_sent_anew_is_still_to_come() -> None:
    assert found(PUT, HELD, PUT, SETTLED, since=2) is None
    assert found(PUT, HELD, PUT, SETTLED, SETTLED, since=2) is False
