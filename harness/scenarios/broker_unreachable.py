"""Workers start while connections to the broker are refused: that is no success."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import watch_without_broker
from harness.faults.broker_unreachable import FAULT


def play(context: ScenarioContext) -> None:
    """Start the Job, watch a worker without its broker, then let the broker be reached again."""
    with FAULT.active(context) as begun:
        context.start()
        context.confirmed(FAULT.name, begun, *watch_without_broker(context))
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="broker-unreachable",
    says="workers start while nobody listens at the broker's address",
    proves={"fine": ("S17", "S12", "L3"), "coarse": ("S17", "S12", "L3")},
    play=play,
    level="extended",
    faults=(FAULT.name,),
    items=4,
)
