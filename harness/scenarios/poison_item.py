"""Whoever is given one item is killed: it must not take worker after worker."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.faults.container_kill import FAULT
from harness.history import ConnectionHeld, Event, ItemSettled, Payload, payload
from harness.learned import BACK_OFF
from harness.stage import Scenario, Stage
from harness.tap.points import Point

#: How many times as long as the first one the kubelet's pauses may become.
_PAUSES = 4


def play(stage: Stage) -> None:
    """Kill at each delivery of it, as often as is allowed; who is given it then may live."""
    item, most = stage.items[0], stage.recording.header.max_attempts
    poison = msgspec.structs.replace(stage.points.delivered, items=(item,))
    for tried in range(most + 1):
        trap = stage.trap(poison)
        if tried == 0:
            stage.start()
        if not _given(stage, poison, payload(item)):
            break
        caught = stage.catch(trap)
        if tried < most:
            FAULT.inject(stage, stage.worker_at(caught.address), caught.address)
        else:
            stage.free(trap)
    stage.disarm()
    stage.wait_for_the_end()


def _given(stage: Stage, poison: Point, item: Payload) -> bool:
    """Whether somebody is given it, before it is set aside or the Job has ended."""
    before = len(stage.recording.events)

    def find(events: Sequence[Event]) -> bool | None:
        for event in events[before:]:
            what = event.what
            if isinstance(what, ConnectionHeld) and what.point == poison.name:
                return True
            if isinstance(what, ItemSettled) and what.item == item:
                return False
        return None if stage.ended(events) is None else False

    timeout = stage.patience + stage.bounds.reclaim + _PAUSES * BACK_OFF
    what = "the next who is given the item that kills"
    return stage.recording.wait_quietly(what, find, timeout) or False


SCENARIO = Scenario(
    name="poison-item",
    says="whoever is given one of the items is killed",
    proves={"fine": ("L4", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=3,
    level="extended",
)
