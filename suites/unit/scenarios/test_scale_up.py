"""More workers: the first one is held at its next report, and not at the old one sent anew."""

from __future__ import annotations

import pytest

from harness.engine.calibration import Calibration
from harness.history import ConnectionOpened, Figures
from harness.patterns.base import PATTERNS
from harness.scenarios.scale_up import SCENARIO, says_the_same, taken
from harness.suites.unit.dsl.history import Tale
from harness.tap.records import Command, Message, Method

REPORT = Command(1, 7, (b"EVALSHA", b"5461", b"1", b"job2", b"token:1"))


@pytest.mark.parametrize(
    ("message", "same"),
    [
        (Command(2, 1, REPORT.words), True),
        (Command(1, 8, (*REPORT.words[:-1], b"token:2")), False),
        (Method(2, "broker", 1, "Basic.Ack", {}), False),
    ],
)
def test_a_report_that_is_sent_once_more(message: Message, same: bool) -> None:
    assert says_the_same(message, REPORT) is same
    assert says_the_same(REPORT, message) is same


def test_what_is_no_command_says_nothing_again() -> None:
    method = Method(2, "broker", 1, "Basic.Ack", {})
    assert not says_the_same(method, method)


def test_what_is_left_to_the_others_is_what_the_first_one_does_not_keep() -> None:
    tale = Tale()
    tale.sent("apple", "banana", "cherry", "date")
    for who in "abc":
        tale.came(0, who)
    first = next(one.what.address for one in tale.events if isinstance(one.what, ConnectionOpened))
    for item in ("apple", "banana"):
        tale.given(1, "a", item)
    assert taken(tale.events, first) == set()
    tale.given(3, "b", "cherry")
    tale.given(3, "c", "date")
    assert taken(tale.events, first) == {"cherry", "date"}
    tale.settled(4, "a", "apple")
    assert taken(tale.events, first) == {"apple", "cherry", "date"}


@pytest.mark.parametrize("pod_start", [1.0, 12.0])
def test_a_hoarder_that_goes_on_has_some_in_stock_when_the_others_have_waited(
    pod_start: float,
) -> None:
    """A coarse one does: RabbitMQ answers no acknowledgement, so nothing stops it."""
    pace = 6.0
    assert SCENARIO.items is not None
    learned = Calibration(Figures(work=15.0, pace=pace, pod_start=pod_start))
    bound = learned.bounds(
        PATTERNS.get("coarse").capabilities, SCENARIO.items, SCENARIO.parallelism or 1
    ).progress
    last_is_begun = (SCENARIO.items - 2) * pace  # after the first report, when the others are made
    assert last_is_begun > pod_start + bound
