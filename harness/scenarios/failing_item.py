"""One item makes the worker's handler fail: that must not count as success."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.history import Event

#: Number of attempts to watch: some workers return an item only when it has failed again.
_WATCHED_ATTEMPTS = 3
#: Seconds for the attempts after the first one: a restart waits for the kubelet's back-off.
_RETRY_SECONDS = 60.0


def play(context: ScenarioContext) -> None:
    """Wait until the fate of the item is clear: dropped, set aside, or tried again.

    Wait also until another item is settled: only that shows that a worker keeps the failing one.
    """
    context.start()
    item = context.recorder.header.failing_item
    one_each = context.testbed.pattern.capabilities.one_item_per_pod
    assert item is not None
    timeout = context.start_timeout + context.bounds.progress
    attempt_ended = conditions.end_of_attempt(item, one_each=one_each)
    if context.recorder.wait_or_none("the end of the attempt", attempt_ended, timeout) is None:
        return
    fate = conditions.outcome_of_item(item, _WATCHED_ATTEMPTS, one_each=one_each)

    def find(events: Sequence[Event]) -> bool | None:
        return True if context.ended(events) is not None or fate(events) else None

    context.recorder.wait_or_none("what becomes of the item that fails", find, _RETRY_SECONDS)


SCENARIO = Scenario(
    name="failing-item",
    says="the work on one item fails",
    proves={"fine": ("S11", "S1"), "coarse": ("S11", "S1")},
    play=play,
    items=3,
    failing=True,
)
