"""What a broker was started again with is told from what was recorded since its end."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from harness.engine.scenario import ScenarioNotApplicable
from harness.engine.steps.broker_restart import confirm_restart, require_sentinel
from harness.patterns.base import PATTERNS
from harness.suites.unit.dsl.history import Tale


def context(tale: Tale) -> Any:
    """As much of a context as is looked at."""
    return SimpleNamespace(
        recorder=SimpleNamespace(events=tale.events, header=tale.header),
        testbed=SimpleNamespace(pattern=PATTERNS.get(tale.header.pattern)),
        scenario=SimpleNamespace(name="broker-lost"),
    )


@pytest.mark.parametrize("kept", [True, False])
def test_it_is_back_as_it_was_to_be(kept: bool) -> None:
    tale = Tale()
    tale.sent("apple")
    back = tale.restarted(1.0, kept=kept)
    assert confirm_restart(context(tale), 1, kept=kept) == (back - 1, back)


def nothing(_: Tale) -> None: ...


@pytest.mark.parametrize(
    "happens",
    [
        nothing,
        lambda tale: tale.restarted(1.0, kept=True),
        lambda tale: tale.restarted(1.0, kept=None),
    ],
)
def test_otherwise_nothing_is_proved(happens: Callable[[Tale], object]) -> None:
    tale = Tale()
    tale.sent("apple")
    happens(tale)
    with pytest.raises(ScenarioNotApplicable, match="not as it was to be"):
        confirm_restart(context(tale), 1, kept=False)


def test_what_was_before_does_not_count() -> None:
    tale = Tale()
    back = tale.restarted(1.0, kept=False)
    with pytest.raises(ScenarioNotApplicable):
        confirm_restart(context(tale), back, kept=False)


def test_only_with_a_marker_an_empty_redis_means_something() -> None:
    require_sentinel(context(Tale("coarse")))
    require_sentinel(context(Tale(sentinel="all-sent")))
    with pytest.raises(ScenarioNotApplicable, match="--sentinel KEY"):
        require_sentinel(context(Tale()))
