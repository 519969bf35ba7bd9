"""The broker is killed and comes back without its data: the items are not done."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.broker_restart import require_sentinel
from harness.faults.broker_loss import FAULT
from harness.history import ConnectionOpened, Event


def play(context: ScenarioContext) -> None:
    """Lose the broker while its only worker waits for its first item; watch the worker."""
    require_sentinel(context)
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    FAULT.inject(context, victim, hit.address)
    context.resume_client(hit.address)
    healed = len(context.recorder.events)

    def reconnected(events: Sequence[Event]) -> bool | None:
        return any(isinstance(event.what, ConnectionOpened) for event in events[healed:]) or None

    context.recorder.wait_or_none("a worker to come again", reconnected, context.reclaim)
    context.recorder.wait_or_none("the end of the Job", context.ended, context.reclaim)


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
