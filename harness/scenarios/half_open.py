"""A worker's connection ends in its work, and the worker gets no packet about it."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import inject_while_working
from harness.faults.connection_half_open import FAULT


def play(context: ScenarioContext) -> None:
    """End the only worker's connection at the broker as soon as it has begun an item."""
    inject_while_working(context, FAULT)


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
