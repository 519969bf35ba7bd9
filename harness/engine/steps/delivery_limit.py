"""What scenarios have in common whose queue sets aside by itself what was tried too often."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import Event, ItemDelivered


def require_first_delivery(stage: ScenarioContext) -> None:
    """Wait for the first delivery; `ScenarioNotApplicable` where no worker takes any item.

    A worker that declares the queue as the task page has it is refused by the broker.
    """

    def taken(events: Sequence[Event]) -> bool | None:
        return True if any(isinstance(one.what, ItemDelivered) for one in events) else None

    what = "a worker to take an item from a queue with a delivery limit"
    if stage.recorder.wait_or_none(what, taken, stage.start_timeout) is None:
        raise ScenarioNotApplicable(
            f"the scenario {stage.scenario.name!r} cannot be played",
            expected="a worker that takes items from a quorum queue with a delivery limit",
            seen=f"none in {stage.start_timeout:.0f} s; {stage.describe_last_output()}",
            todo="let the worker use the queue that is there, or declare it passively",
        )
