"""A worker is cut off from its broker in the middle of its work, for a few seconds."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import inject_while_working
from harness.faults.network_cut import FAULT


def play(context: ScenarioContext) -> None:
    """Cut the only worker off as soon as it has begun an item."""
    inject_while_working(context, FAULT)


SCENARIO = Scenario(
    name="network-cut",
    says="the only worker is cut off from its broker in its work, for a few seconds",
    proves={"fine": ("L6", "S1", "S12", "L3"), "coarse": ("L6", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=1,
    level="extended",
)
