"""Workers start while DNS does not know the broker: that is no success."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import watch_without_broker
from harness.faults.broker_dns_lost import FAULT


def play(stage: ScenarioContext) -> None:
    """Start the Job, see what a worker makes of it, and bring the broker's name back."""
    with FAULT.active(stage) as begun:
        stage.start()
        stage.confirmed(FAULT.name, begun, *watch_without_broker(stage))
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="broker-nameless",
    says="workers start while DNS does not know the broker's name",
    proves={"fine": ("S17", "S12", "L3"), "coarse": ("S17", "S12", "L3")},
    play=play,
    level="extended",
    faults=(FAULT.name,),
    items=4,
)
