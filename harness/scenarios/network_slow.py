"""The network between a worker and its broker is slow for a while."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import inject_while_working
from harness.faults.network_slow import FAULT


def play(context: ScenarioContext) -> None:
    """Slow down the only worker's network as soon as it has begun an item."""
    inject_while_working(context, FAULT)


SCENARIO = Scenario(
    name="network-slow",
    says="the only worker waits a second for each answer of its broker, for a while",
    proves={
        "fine": ("S1", "S7", "S9", "S12", "L3"),
        "coarse": ("S1", "S7", "S9", "S12", "S13", "L3"),
    },
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=1,
    level="extended",
)
