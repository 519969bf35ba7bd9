"""A pod is deleted with grace 0 while its worker has an item."""

from __future__ import annotations

from harness.faults import harm_at_work
from harness.faults.pod_delete import FAULT
from harness.stage import Scenario, Stage


def play(stage: Stage) -> None:
    """The first who is given an item is the victim, as soon as it has begun."""
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
