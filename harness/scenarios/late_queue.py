"""Workers start before there is a queue: that is no success."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.broker_restart import require_sentinel
from harness.engine.steps.common import wait_out_kubelet_second
from harness.history import ConnectionOpened, Event

LATE = "queue late"
#: Seconds for which a worker that has connected is let look for its queue.
_LOOKS = 15.0


def play(stage: ScenarioContext) -> None:
    """Let a worker come and look, then declare the queue and fill it."""
    require_sentinel(stage)
    begun = stage.injected(LATE, "the queue: it is not there yet")
    stage.start()
    came = stage.wait("a worker to connect", _connected, stage.start_timeout)
    end = stage.recorder.wait_or_none("a worker to give up", conditions.any_worker_exited(), _LOOKS)
    if end is not None:
        wait_out_kubelet_second(stage, end)
    stage.confirmed(LATE, begun, came.id, *([end.id] if end else []))
    stage.healed(LATE)
    stage.fill()
    stage.wait_for_the_end()


def _connected(events: Sequence[Event]) -> Event | None:
    return next((one for one in events if isinstance(one.what, ConnectionOpened)), None)


SCENARIO = Scenario(
    name="late-queue",
    says="workers start before there is a queue",
    proves={"fine": ("S17", "S12", "L3"), "coarse": ("S17", "S12", "L3")},
    play=play,
    level="extended",
    faults=(LATE,),
    items=4,
    late=True,
)
