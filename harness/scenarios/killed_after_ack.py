"""A worker is killed just after the broker got its report."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_kill import FAULT


def play(context: ScenarioContext) -> None:
    """Let the first acknowledgement pass and nothing after it, then kill the worker.

    Coarse: the Job then waits for one more completion for ever, as the tutorial itself states.
    """
    handle = context.set_breakpoint(context.points.settled)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    timeout = context.testbed.namespace.timeouts.settle
    context.wait("the broker to settle the item", conditions.settled(hit.connection), timeout)
    FAULT.inject(context, victim, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="killed-after-ack",
    says="a worker is killed just after the broker has heard that its item is done",
    proves={"fine": ("S1", "S12", "L3"), "coarse": ("S1", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=4,
    long=True,
)
