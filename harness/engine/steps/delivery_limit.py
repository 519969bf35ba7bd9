"""What scenarios have in common whose queue sets aside by itself what was tried too often."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import NotPlayable, Stage
from harness.history import Event, ItemDelivered


def somebody_takes(stage: Stage) -> None:
    """Wait until somebody was given an item; `NotPlayable` where nobody takes any from there.

    A worker that declares the queue as the task page has it is refused by the broker.
    """

    def taken(events: Sequence[Event]) -> bool | None:
        return True if any(isinstance(one.what, ItemDelivered) for one in events) else None

    what = "a worker to take an item from a queue with a delivery limit"
    if stage.recording.wait_quietly(what, taken, stage.patience) is None:
        raise NotPlayable(
            f"the scenario {stage.scenario.name!r} cannot be played",
            expected="a worker that takes items from a quorum queue with a delivery limit",
            seen=f"none in {stage.patience:.0f} s; {stage.last_words()}",
            todo="let the worker use the queue that is there, or declare it passively",
        )
