"""The broker is killed and has lost all when it is back: what was to be done is not done."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import Scenario, Stage
from harness.engine.steps.broker_restart import needs_marker
from harness.faults.broker_loss import FAULT
from harness.history import ConnectionOpened, Event


def play(stage: Stage) -> None:
    """Lose the broker while its only worker waits for the first item; see what it makes of it."""
    needs_marker(stage)
    trap = stage.trap(stage.points.delivered)
    stage.start()
    caught = stage.catch(trap)
    victim = stage.worker_at(caught.address)
    FAULT.inject(stage, victim, caught.address)
    stage.let_go(caught.address)
    healed = len(stage.recording.events)

    def came(events: Sequence[Event]) -> bool | None:
        return any(isinstance(one.what, ConnectionOpened) for one in events[healed:]) or None

    stage.recording.wait_quietly("a worker to come again", came, stage.reclaim)
    stage.recording.wait_quietly("the end of the Job", stage.ended, stage.reclaim)


SCENARIO = Scenario(
    name="broker-lost",
    says="the broker is killed before anything is done, and has lost its data when it is back",
    proves={"fine": ("S16",), "coarse": ("S16",)},
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=1,
    level="extended",
)
