"""A pod is deleted with grace while its worker has an item: it can finish or return it."""

from __future__ import annotations

from functools import partial

from harness.engine.scenario import Scenario
from harness.engine.steps.graceful_stop import stop_while_working
from harness.faults.pod_terminate import FAULT

SCENARIO = Scenario(
    name="stopped-in-work",
    says="a pod is deleted, with grace, while its worker has an item",
    proves={
        "fine": ("L7", "S1", "S9", "S12", "L3"),
        "coarse": ("L7", "S1", "S13", "L3"),
    },
    play=partial(stop_while_working, fault=FAULT),
    faults=(FAULT.name,),
    items=4,
    level="extended",
)
