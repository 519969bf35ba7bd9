"""A worker is killed when the broker has heard that its item is done."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_kill import FAULT


def play(stage: ScenarioContext) -> None:
    """Let the first acknowledgement pass and nothing after it, then kill the worker.

    Coarse: the Job then waits for one more completion for ever, as the task page says itself.
    """
    trap = stage.set_breakpoint(stage.points.settled)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    timeout = stage.testbed.namespace.timeouts.settle
    stage.wait("the broker to settle the item", conditions.settled(caught.connection), timeout)
    FAULT.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="killed-after-ack",
    says="a worker is killed just after the broker has heard that its item is done",
    proves={"fine": ("S1", "S12", "L3"), "coarse": ("S1", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=4,
    long=True,
)
