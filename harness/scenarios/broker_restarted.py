"""The broker is restarted in the middle of a worker's work, and has all its data."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import inject_while_working
from harness.faults.broker_restart import FAULT


def play(stage: ScenarioContext) -> None:
    """It ends as soon as the only worker has begun an item."""
    inject_while_working(stage, FAULT)


SCENARIO = Scenario(
    name="broker-restarted",
    says="the broker is restarted while the only worker is at work, and keeps its data",
    proves={"fine": ("L6", "S1", "S12", "L3"), "coarse": ("L6", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=1,
    level="extended",
)
