"""A pod is deleted with grace 0 while its worker has an item."""

from __future__ import annotations

from harness.faults import harm_at_work
from harness.faults.pod_delete import FAULT
from harness.stage import Scenario, Stage


def play(stage: Stage) -> None:
    """The first who is given an item is the victim: as soon as it has begun, or earlier.

    A broker that gives an item to a connection, and to another when that is lost, has given it also
    where it never came to its worker: then nobody has worked on it, however long the deletion took.
    """
    if stage.station.pattern.name == "coarse":
        trap = stage.trap(stage.points.delivered)
        stage.start()
        caught = stage.catch(trap)
        FAULT.inject(stage, stage.worker_at(caught.address), caught.address)
        stage.wait_for_the_end()
    else:
        harm_at_work(stage, FAULT)


SCENARIO = Scenario(
    name="deleted-after-delivery",
    says="a pod is deleted, with grace 0, while its worker has an item",
    proves={
        "fine": ("S1", "S9", "S12", "L1", "L3"),
        "coarse": ("S1", "S12", "S13", "L1", "L3"),
    },
    play=play,
    faults=(FAULT.name,),
    items=4,
)
