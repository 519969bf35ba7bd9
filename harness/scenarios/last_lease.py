"""A worker finds the queue empty while another still has an item: it must stay, for long."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_out_kubelet_second
from harness.engine.steps.feeding import Feeding
from harness.history import AskedForItem, Event, ItemDelivered, ItemSettled, payload

HELD = "held with the last lease"


def play(context: ScenarioContext) -> None:
    """Fine: keep one worker busy all the time. Coarse: send the last message late."""
    if context.testbed.pattern.capabilities.one_item_per_pod:
        _send_late(context)
    else:
        _keep_busy(context)
    context.healed(HELD)
    context.wait_for_the_end()


def _keep_busy(context: ScenarioContext) -> None:
    """Give one worker item after item until another has been idle for long enough."""
    handle = context.set_breakpoint(context.points.settling)
    context.start()
    hit = context.wait_for_hit(handle)
    holder = context.worker_at(hit.address)
    condition = f"it has an item until others have waited {context.idle_watch:g} s"
    description = f"a worker at its first report: {condition}"
    begun = context.injected(HELD, description, holder)
    feeding = Feeding(context, hit, handle)
    try:
        evidence = feeding.until_waited(context.idle_watch)
    finally:
        feeding.end()
    context.confirmed(HELD, begun, *evidence)


def _send_late(context: ScenarioContext) -> None:
    """Send the last message only when a worker waits for it."""
    context.start()
    items = [payload(item) for item in context.items]
    rest_settled = conditions.all_settled(items, but=1)
    context.wait("all messages but the last to be settled", rest_settled, context.bounds.end)
    description = (
        f"the last message: it is sent when a worker has waited for {context.idle_watch:g} s"
    )
    begun = context.injected(HELD, description)
    awaited = "a worker to ask for the last message, or to leave without it"
    request = context.recorder.wait_or_none(awaited, idle, context.start_timeout)
    if request is None:
        raise ScenarioNotApplicable(
            "no worker has come for the last message",
            expected=f"one within {context.start_timeout:g} s, for the Job has a completion for it",
            seen="none",
        )
    awaited, since = "the idle worker to leave", request.time

    def over(events: Sequence[Event]) -> Event | None:
        exit_event = left_without(events)
        return exit_event or (
            request if context.recorder.elapsed() > since + context.idle_watch else None
        )

    last_event = context.recorder.wait_or_none(awaited, over, 2 * context.idle_watch) or request
    if conditions.ended(last_event):
        wait_out_kubelet_second(context, last_event)
    context.add()
    context.confirmed(HELD, begun, request.id, last_event.id)


def idle(events: Sequence[Event]) -> Event | None:
    """Return the event of a worker that asks and got nothing, or exited without an item."""
    served = {
        delivery.what.connection for delivery in events if isinstance(delivery.what, ItemDelivered)
    }
    for event in events:
        data = event.what
        if isinstance(data, AskedForItem) and data.room != 0 and data.connection not in served:
            return event
    return left_without(events)


def left_without(events: Sequence[Event]) -> Event | None:
    """Return the exit of a worker that settled nothing, if every settlement's worker is known."""
    owners = conditions.owners(events)
    settlements = [entry.what for entry in events if isinstance(entry.what, ItemSettled)]
    settling_workers = {owners.get(entry.connection or 0) for entry in settlements}
    exits = (entry for entry in events if conditions.ended(entry))
    return next(
        (
            entry
            for entry in exits
            if None not in settling_workers and conditions.ended(entry) not in settling_workers
        ),
        None,
    )


SCENARIO = Scenario(
    name="last-lease",
    says="a worker finds nothing to do while another holds the last lease, or before it is sent",
    proves={"fine": ("S1", "S9", "S12", "L3", "S10"), "coarse": ("S9", "S12", "L3")},
    play=play,
    faults=(HELD,),
    items=3,
    adds=True,
    long=True,
)
