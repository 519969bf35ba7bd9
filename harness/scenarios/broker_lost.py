"""The broker is killed and has lost all when it is back: what was to be done is not done."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.broker_restart import require_sentinel
from harness.faults.broker_loss import FAULT
from harness.history import ConnectionOpened, Event


def play(stage: ScenarioContext) -> None:
    """Lose the broker while its only worker waits for the first item; see what it makes of it."""
    require_sentinel(stage)
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    FAULT.inject(stage, victim, caught.address)
    stage.resume_client(caught.address)
    healed = len(stage.recorder.events)

    def came(events: Sequence[Event]) -> bool | None:
        return any(isinstance(one.what, ConnectionOpened) for one in events[healed:]) or None

    stage.recorder.wait_or_none("a worker to come again", came, stage.reclaim)
    stage.recorder.wait_or_none("the end of the Job", stage.ended, stage.reclaim)


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
