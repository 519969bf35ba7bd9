"""Many items for one pod: it works on no more at once than its owner says."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext

_MANY = 6


def play(stage: ScenarioContext) -> None:
    """Let the Job work them off. One that stops after so many shows only where there are more."""
    stage.start()
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="many-items",
    says="there are many items, and one worker at a time",
    proves={"fine": ("S19", "S12", "L3"), "coarse": ("S19", "S13", "L3")},
    play=play,
    level="extended",
    items=_MANY,
    seconds=30.0,
    parallelism=1,
)
