"""A worker's connection ends while it works, and it is not told."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import inject_while_working
from harness.faults.connection_half_open import FAULT


def play(stage: ScenarioContext) -> None:
    """The only worker loses its connection as soon as it has begun an item."""
    inject_while_working(stage, FAULT)


SCENARIO = Scenario(
    name="half-open",
    says="the only worker loses its connection in its work, and no packet tells it so",
    proves={"fine": ("L6", "S1", "S12", "L3"), "coarse": ("L6", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=1,
    level="extended",
)
