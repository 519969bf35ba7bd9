"""Who takes an item over is killed in its turn, when it has reported it as done."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, Stage
from harness.faults.container_kill import FAULT
from harness.history import to_bytes


def play(stage: Stage) -> None:
    """Kill the first with its item on the way, and the second just after its report.

    What a worker does with an item that comes back has its own code: it may report it at once.
    """
    trap = stage.trap(stage.points.delivered)
    stage.start()
    caught = stage.catch(trap)
    first = stage.worker_at(caught.address)
    timeout = stage.station.namespace.timeouts.settle
    given = stage.wait("the item of a worker", conditions.given_to(caught.address), timeout)
    item = to_bytes(getattr(given.what, "item", ""))
    again = stage.trap(stage.points.delivered_of(item))
    FAULT.inject(stage, first, caught.address)
    caught = stage.catch(again)
    one_each = stage.station.pattern.capabilities.one_item_per_pod
    while one_each and conditions.settled(caught.connection)(stage.recording.events):
        # It has done its message, and hands back what it was given beside that.
        following = stage.trap(stage.points.delivered_of(item))
        stage.free(again)
        again, caught = following, stage.catch(following)
    second = stage.worker_at(caught.address, but=(first,))
    stage.container_of(second)  # known beforehand: the kill has to be quick
    report = stage.trap(stage.points.settled, caught.address)
    stage.free(again)
    caught = stage.catch(report)
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
