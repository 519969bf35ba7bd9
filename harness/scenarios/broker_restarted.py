"""The broker restarts in the middle of a worker's work, and keeps all its data."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import inject_while_working
from harness.faults.broker_restart import FAULT


def play(context: ScenarioContext) -> None:
    """Restart the broker as soon as the only worker has begun an item."""
    inject_while_working(context, FAULT)


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
