"""A worker's node is drained while it has an item: others continue, elsewhere or later."""

from __future__ import annotations

from functools import partial

from harness.engine.scenario import Scenario
from harness.engine.steps.graceful_stop import stop_while_working
from harness.faults.node_drain import FAULT

SCENARIO = Scenario(
    name="drained-in-work",
    says="the node of a worker is drained while it has an item",
    proves={
        "fine": ("L7", "S1", "S9", "S12", "L3"),
        "coarse": ("L7", "S1", "S13", "L3"),
    },
    play=partial(stop_while_working, fault=FAULT),
    faults=(FAULT.name,),
    items=4,
    level="extended",
)
