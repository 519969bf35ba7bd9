"""One item makes the worker's handler fail: that must not look like success."""

from __future__ import annotations

from harness import seen
from harness.history import payload
from harness.stage import Scenario, Stage


def play(stage: Stage) -> None:
    """Wait for what becomes of the first attempt on it, and no longer: back-offs are long."""
    stage.start()
    item = payload(stage.items[0])
    timeout = stage.patience + stage.bounds.progress
    over = seen.end_of_attempt(item, one_each=stage.station.pattern.name == "coarse")
    stage.recording.wait_quietly("the end of the attempt", over, timeout)


SCENARIO = Scenario(
    name="failing-item",
    says="the work on one item fails",
    proves={"fine": ("S11",), "coarse": ("S11",)},
    play=play,
    items=3,
    failing=True,
)
