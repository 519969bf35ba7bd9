"""One item makes the worker's handler fail: that must not look like success."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.history import Event

#: So many attempts are watched: some let an item go only when it has failed again.
_ATTEMPTS = 3
#: Seconds for the attempts after the first one: a restart waits for the kubelet's back-off.
_LATER = 60.0


def play(stage: ScenarioContext) -> None:
    """Wait until it is clear what becomes of the item: dropped, set aside, or tried again.

    And until another item was settled: that a worker keeps is shown by those.
    """
    stage.start()
    item = stage.recorder.header.failing_item
    one_each = stage.testbed.pattern.capabilities.one_item_per_pod
    assert item is not None
    timeout = stage.start_timeout + stage.bounds.progress
    over = conditions.end_of_attempt(item, one_each=one_each)
    if stage.recorder.wait_or_none("the end of the attempt", over, timeout) is None:
        return
    fate = conditions.fate(item, _ATTEMPTS, one_each=one_each)

    def find(events: Sequence[Event]) -> bool | None:
        return True if stage.ended(events) is not None or fate(events) else None

    stage.recorder.wait_or_none("what becomes of the item that fails", find, _LATER)


SCENARIO = Scenario(
    name="failing-item",
    says="the work on one item fails",
    proves={"fine": ("S11", "S1"), "coarse": ("S11", "S1")},
    play=play,
    items=3,
    failing=True,
)
