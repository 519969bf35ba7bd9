"""The harness kills every worker that gets one item: the item must not kill without end."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.calibration import BACK_OFF
from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.delivery_limit import require_first_delivery
from harness.faults.container_kill import FAULT
from harness.history import (
    MAX_ATTEMPTS,
    ConnectionHeld,
    Event,
    ItemEnqueued,
    ItemSettled,
    Payload,
    Worker,
    payload,
)
from harness.tap.control.client import BreakpointHandle, RemoteHit
from harness.tap.points import Point

#: How many times as long as the first pause the kubelet's pauses may become.
_PAUSE_GROWTH = 4
#: Seconds between two checks of RabbitMQ's set-aside messages, which its wire does not show.
_CHECK_INTERVAL = 2.0
#: Seconds by which a worker's log lines may come later than its messages to the broker.
_LOG_DELAY = 5.0


def play(context: ScenarioContext) -> None:
    """Kill each worker that gets the item, as often as allowed; then let the next one live."""
    item, most = context.items[0], context.recorder.header.max_attempts
    limited = context.testbed.pattern.capabilities.has_delivery_limit
    poison = context.points.delivered_of(item)
    since, handle, killed, passed_on = 0, context.set_breakpoint(poison), list[Worker](), 0
    context.start()
    if limited:
        require_first_delivery(context)
    while _next_is_held(context, poison, payload(item), since):
        hit = context.wait_for_hit(handle)
        if len(killed) == most or passed_on > most:
            context.resume(handle)
            break
        # Set it before: RabbitMQ delivers the item again as soon as this worker is cut off.
        since, next_handle = len(context.recorder.events), context.set_breakpoint(poison)
        victim = context.worker_at(hit.address, but=killed)
        if limited and not _works_on_item(context, handle, hit, victim):
            passed_on += 1
        else:
            killed.append(victim)
            FAULT.inject(context, victim, hit.address)
        handle = next_handle
    context.clear_breakpoints()
    if limited:  # the Job waits for a success that does not come
        rest_settled = conditions.all_settled(map(payload, context.items[1:]), but=0)
        context.recorder.wait_or_none("the rest to be done", rest_settled, context.bounds.end)
    else:
        context.wait_for_the_end()


def _works_on_item(
    context: ScenarioContext, trap: BreakpointHandle, caught: RemoteHit, worker: Worker
) -> bool:
    """Deliver the item and watch the worker up to its report; the queue counts automatically.

    Return whether this attempt could have killed the worker. A worker that always logs its work,
    but reports an item before it logs a line about it, has not worked on the item; its report
    passes.
    """
    known = context.calibration
    report_handle = (
        context.set_breakpoint(context.points.settling, caught.address) if known.settles else None
    )
    context.resume(trap)
    if report_handle is not None or known.figures.starts_matched is not None:
        context.wait_until_started(worker, caught)
    if report_handle is not None:
        context.clear_breakpoints(report_handle)
    if not (known.figures.starts_matched and known.figures.settles_after_work):
        return True
    awaited = "the worker to say that it begins the item"
    begun = conditions.starts(worker, payload(context.items[0]))
    if context.recorder.wait_or_none(awaited, begun, _LOG_DELAY) is not None:
        return True
    context.testbed.tap.release(caught.address)
    return False


def _next_is_held(context: ScenarioContext, poison: Point, item: Payload, since: int) -> bool:
    """Return whether a worker is held with the item, before all its copies are settled.

    False also if the Job is over before. `since` is the number of events before the item could be
    delivered.
    """

    def find(events: Sequence[Event]) -> bool | None:
        held = given(events, poison.name, item, since)
        return False if held is None and context.ended(events) is not None else held

    awaited = "the next who is given the item that kills"
    until = (
        context.recorder.elapsed()
        + context.start_timeout
        + context.reclaim
        + _PAUSE_GROWTH * BACK_OFF
    )
    while context.recorder.elapsed() < until:
        held = context.recorder.wait_or_none(awaited, find, _CHECK_INTERVAL)
        if held is not None:
            return held
        if context.set_aside():
            return False
    return False


def given(events: Sequence[Event], point: str, item: Payload, since: int) -> bool | None:
    """Return whether a client is held at `point`, after the first `since` events.

    False if all copies of the item are settled before; None while that is open. For Redis the
    record of an enqueued item may be late, too.
    """
    observations = [event.what for event in events]
    if any(
        isinstance(data, ConnectionHeld) and data.point == point for data in observations[since:]
    ):
        return True
    copies = sum(isinstance(data, ItemEnqueued) and data.item == item for data in observations)
    settled = sum(isinstance(data, ItemSettled) and data.item == item for data in observations)
    return False if 0 < copies <= settled else None


SCENARIO = Scenario(
    name="poison-item",
    says="whoever is given one of the items is killed",
    proves={"fine": ("L4", "S1", "S12", "L3"), "coarse": ("L4",)},
    play=play,
    faults=(FAULT.name,),
    items=3,
    parallelism=3,
    more_completions=3,
    tries=MAX_ATTEMPTS,
    level="extended",
)
