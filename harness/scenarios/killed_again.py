"""Who takes an item over is killed in its turn, when it has reported it as done."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_kill import FAULT
from harness.history import to_bytes


def play(stage: ScenarioContext) -> None:
    """Kill the first with its item on the way, and the second just after its report.

    What a worker does with an item that comes back has its own code: it may report it at once.
    """
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    first = stage.worker_at(caught.address)
    timeout = stage.testbed.namespace.timeouts.settle
    given = stage.wait("the item of a worker", conditions.last_delivery_to(caught.address), timeout)
    item = to_bytes(getattr(given.what, "item", ""))
    again = stage.set_breakpoint(stage.points.delivered_of(item))
    FAULT.inject(stage, first, caught.address)
    caught = stage.wait_for_hit(again)
    one_each = stage.testbed.pattern.capabilities.one_item_per_pod
    while one_each and conditions.settled(caught.connection)(stage.recorder.events):
        # It has done its message, and hands back what it was given beside that.
        following = stage.set_breakpoint(stage.points.delivered_of(item))
        stage.resume(again)
        again, caught = following, stage.wait_for_hit(following)
    second = stage.worker_at(caught.address, but=(first,))
    stage.container_of(second)  # known beforehand: the kill has to be quick
    report = stage.set_breakpoint(stage.points.settled, caught.address)
    stage.resume(again)
    caught = stage.wait_for_hit(report)
    stage.wait("the broker to settle the item", conditions.settled(caught.connection), timeout)
    FAULT.inject(stage, second, caught.address)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="killed-again",
    says="a worker is killed with an item, and the next one just after it has reported it as done",
    proves={"fine": ("S1", "S12", "L1", "L3"), "coarse": ("S1", "L1")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
