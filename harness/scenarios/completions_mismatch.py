"""The Job's completions do not match the items: the manifest is wrong, not the worker."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext


def play(context: ScenarioContext) -> None:
    """Run the Job. Coarse: with too few completions. Fine: with any at all."""
    context.start()
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="completions-mismatch",
    says="the Job's completions do not match the items",
    proves={"fine": ("J1", "S1"), "coarse": ("S12", "S9")},
    play=play,
    items=4,
    more_completions=-2,
    completions=4,
)
