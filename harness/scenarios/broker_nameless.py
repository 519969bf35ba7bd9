"""Workers start while DNS does not know the broker: that is no success."""

from __future__ import annotations

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.common import watch_without_broker
from harness.faults.broker_dns_lost import FAULT


def play(context: ScenarioContext) -> None:
    """Start the Job, watch a worker without its broker, and bring the broker's name back."""
    with FAULT.active(context) as begun:
        context.start()
        context.confirmed(FAULT.name, begun, *watch_without_broker(context))
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="broker-nameless",
    says="workers start while DNS does not know the broker's name",
    proves={"fine": ("S17", "S12", "L3"), "coarse": ("S17", "S12", "L3")},
    play=play,
    level="extended",
    faults=(FAULT.name,),
    items=4,
)
