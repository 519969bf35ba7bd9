"""Workers start before there is a queue: that is no success."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.broker_restart import require_sentinel
from harness.engine.steps.common import wait_out_kubelet_second
from harness.history import ConnectionOpened, Event

LATE = "queue late"
#: Seconds for which a connected worker may search for its queue.
_SEARCH_SECONDS = 15.0


def play(context: ScenarioContext) -> None:
    """Let a worker connect and search for its queue, then declare the queue and fill it."""
    require_sentinel(context)
    begun = context.injected(LATE, "the queue: it is not there yet")
    context.start()
    connected = context.wait("a worker to connect", _first_connection, context.start_timeout)
    exit_event = context.recorder.wait_or_none(
        "a worker to give up", conditions.any_worker_exited(), _SEARCH_SECONDS
    )
    if exit_event is not None:
        wait_out_kubelet_second(context, exit_event)
    context.confirmed(LATE, begun, connected.id, *([exit_event.id] if exit_event else []))
    context.healed(LATE)
    context.fill()
    context.wait_for_the_end()


def _first_connection(events: Sequence[Event]) -> Event | None:
    """Return the event of the first connection."""
    return next((event for event in events if isinstance(event.what, ConnectionOpened)), None)


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
