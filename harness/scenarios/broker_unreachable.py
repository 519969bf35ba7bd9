"""Workers start while connections to the broker are refused: that is no success."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import watch_without_broker
from harness.faults.broker_unreachable import FAULT


def play(stage: ScenarioContext) -> None:
    """Start the Job, see what a worker makes of it, and let the broker be reached again."""
    with FAULT.active(stage) as begun:
        stage.start()
        stage.confirmed(FAULT.name, begun, *watch_without_broker(stage))
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="broker-unreachable",
    says="workers start while nobody listens at the broker's address",
    proves={"fine": ("S17", "S12", "L3"), "coarse": ("S17", "S12", "L3")},
    play=play,
    level="extended",
    faults=(FAULT.name,),
    items=4,
)
