"""There are many items for one pod: it works on no more at once than its owner allows."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext

_MANY = 6


def play(context: ScenarioContext) -> None:
    """Let the Job work the items off.

    A worker that stops after a number of items shows that only if there are more.
    """
    context.start()
    context.wait_for_the_end()


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
