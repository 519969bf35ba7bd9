"""Completions that do not match the work: the manifest's fault, and not the worker's."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext


def play(stage: ScenarioContext) -> None:
    """Coarse: too few completions. Fine: any at all."""
    stage.start()
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="completions-mismatch",
    says="the Job's completions do not match the items",
    proves={"fine": ("J1", "S1"), "coarse": ("S12", "S9")},
    play=play,
    items=4,
    more_completions=-2,
    completions=4,
)
