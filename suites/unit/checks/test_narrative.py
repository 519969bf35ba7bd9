"""The story of a few events: a plain sentence for each, whatever it holds."""

from __future__ import annotations

import typing

from harness.checks.narrative import RENDERERS, narrate
from harness.history import Gap, LogLine, Observation
from harness.suites.unit.dsl.history import Tale, good_fine


def told(tale: Tale, *ids: int) -> list[str]:
    chosen = [event for event in tale.events if not ids or event.id in ids]
    return narrate(tale.view().names, chosen)


def test_a_story_in_the_order_of_its_moments() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(9, "a")
    given = tale.given(9.5, "a", "apple")
    killed = tale.killed(10.2, "a")
    settled = tale.settled(9.9, "a", "apple")
    assert told(tale, given, killed, settled) == [
        " 9.50 s  worker 1 (pod pod-a, run 0) was given apple",
        " 9.90 s  worker 1 (pod pod-a, run 0) settled apple",
        "10.20 s  worker 1 (pod pod-a, run 0) ended with exit code 137 (killed)",
    ]


def test_the_order_of_the_moments_is_not_that_of_the_records() -> None:
    tale = Tale("fine")
    tale.came(1, "a")
    gap = tale.put(9, "harness", Gap("logs", "no answer"))
    late = tale.put(9, "logs", LogLine(tale.worker("a"), "early", at=2.0))
    assert told(tale, gap, late)[0].startswith("2.00 s")


def test_hostile_words_do_not_act() -> None:
    tale = Tale("fine")
    tale.came(1, "a")
    tale.put(2, "logs", LogLine(tale.worker("a"), "\x1b[2J\rall is well\n", at=2.0))
    tale.put(3, "harness", Gap("logs", "\x1b[2Jno\nanswer"))
    for line in told(tale):
        assert line.isprintable()


def test_every_kind_of_event_can_be_told() -> None:
    assert set(RENDERERS) == set(typing.get_args(Observation))


def test_a_whole_run_can_be_told() -> None:
    tale = good_fine()
    lines = told(tale)
    assert len(lines) == len(tale.events)
    assert lines[-1] == "10.00 s  the run was over"
