"""Helpers for scenarios on a queue with a delivery limit."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import Event, ItemDelivered


def require_first_delivery(context: ScenarioContext) -> None:
    """Wait for the first delivery.

    Raises `ScenarioNotApplicable` if no worker takes an item: the broker refuses a worker that
    declares the queue as the tutorial does.
    """

    def any_delivered(events: Sequence[Event]) -> bool | None:
        return True if any(isinstance(event.what, ItemDelivered) for event in events) else None

    awaited = "a worker to take an item from a queue with a delivery limit"
    if context.recorder.wait_or_none(awaited, any_delivered, context.start_timeout) is None:
        raise ScenarioNotApplicable(
            f"the scenario {context.scenario.name!r} cannot be played",
            expected="a worker that takes items from a quorum queue with a delivery limit",
            seen=f"none in {context.start_timeout:.0f} s; {context.describe_last_output()}",
            todo="let the worker use the queue that is there, or declare it passively",
        )
