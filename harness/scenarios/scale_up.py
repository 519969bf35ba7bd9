"""More workers start while one is at work: they get the items that it has not begun."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from harness.core.clock import monotonic
from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.history import Event, ItemDelivered, ItemSettled, Payload, Worker
from harness.tap.control.client import RemoteHit
from harness.tap.records import Command, Message

SCALED = "scaled up"
_SCALED_PODS = 3
#: Seconds in which a new worker gets an available item, nearly always.
_PICKUP_SECONDS = 2.0
#: Seconds to wait in any case.
_MIN_WAIT = 0.1


def play(context: ScenarioContext) -> None:
    """Hold the only worker at its acknowledgement (or its delivery), and start two more.

    The harness holds all connections of the first worker: it may open a new one, and continue with
    its prefetched items.
    """
    handle = context.set_breakpoint(context.points.settling or context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    context.testbed.tap.hold(hit.address)
    worker = context.worker_at(hit.address)
    begun = context.injected(
        SCALED, f"the Job: {_SCALED_PODS} pods at once, the first one held", worker
    )
    context.testbed.namespace.scale_job(context.job, _SCALED_PODS)
    timeout = context.testbed.namespace.timeouts.settle
    scaled = context.wait("the Job to be scaled up", conditions.job_at(_SCALED_PODS), timeout)
    newcomer = context.recorder.wait_or_none(
        "one of the new workers to connect",
        conditions.another_asks(hit.connection),
        context.start_timeout,
    )
    if newcomer is None:
        raise ScenarioNotApplicable(
            "no new worker has come to the broker",
            expected=f"one within {context.start_timeout:g} s of the scale-up",
            seen="nobody but the first",
        )
    _wait_until_taken_or_kept(context, hit, worker, begun)
    context.confirmed(SCALED, begun, scaled.id, newcomer.id)
    context.resume_client(hit.address)
    context.healed(SCALED)
    context.wait_for_the_end()


def _wait_until_taken_or_kept(
    context: ScenarioContext, caught: RemoteHit, worker: Worker, begun: int
) -> None:
    """Wait until the other workers have all items but one, or have waited without success.

    A worker that keeps items for itself shows that only when the others have worked off the rest.
    """
    figures, last_delivery, held_again = context.calibration.figures, begun, False
    # Time until the others take their next items; coarse workers are new pods then.
    pace = figures.longest_pace or figures.pace or figures.work or 0.0
    usual_wait = _PICKUP_SECONDS + 2 * pace + (figures.pod_start or 0.0)
    deadline = monotonic() + context.bounds.end
    while monotonic() < deadline:
        others = conditions.delivery_elsewhere(caught.address, last_delivery)
        patience = (
            context.bounds.progress
            if held_again
            else usual_wait
            if last_delivery != begun
            else _PICKUP_SECONDS
        )
        delivery = context.recorder.wait_or_none("a delivery to a new worker", others, patience)
        if delivery is not None:
            last_delivery = delivery.id
            if len(taken(context.recorder.events, caught.address)) >= len(set(context.items)) - 1:
                return
        elif held_again:
            return
        else:
            _hold_again(context, caught, worker)
            held_again = True


def taken(events: Sequence[Event], address: str) -> set[Payload]:
    """Return the items that are done, or were delivered to a worker at another address."""
    own_connections, items = conditions.connections_of(events, address), set[Payload]()
    for event in events:
        data = event.what
        if isinstance(data, ItemSettled) or (
            isinstance(data, ItemDelivered) and data.connection not in own_connections
        ):
            items.add(data.item)
    return items


def _hold_again(context: ScenarioContext, caught: RemoteHit, worker: Worker) -> None:
    """Let the first worker report its item, and hold it at its next prefetched item.

    It has waited for an answer since before the others came. It would give up before they have
    waited for as long as they may need to.
    """
    if (
        context.points.settling is None
        or not context.testbed.pattern.capabilities.answers_settlements
    ):
        return  # no worker waits for an answer, so none gives up
    context.clear_breakpoints()
    deadline = monotonic() + context.bounds.progress
    with contextlib.suppress(TimedOut):  # it may have none
        if context.calibration.figures.starts_matched:
            # Until then the rest of its report passes, on any connection.
            before = len(context.recorder.events)
            context.testbed.tap.release(caught.address)
            awaited = "the first worker to begin its next item"
            context.wait(awaited, conditions.starts_again(worker, before), context.bounds.progress)
        while True:
            handle = context.set_breakpoint(context.points.settling, caught.address)
            context.testbed.tap.release(caught.address)
            hit = context.wait_for_hit(handle, max(deadline - monotonic(), _MIN_WAIT))
            if not says_the_same(hit.message, caught.message):
                break
            context.clear_breakpoints(handle)
    context.testbed.tap.hold(caught.address)


def says_the_same(one: Message, other: Message) -> bool:
    """Return whether a command was sent again: a client does that after it waited too long."""
    return isinstance(one, Command) and isinstance(other, Command) and one.words == other.words


SCENARIO = Scenario(
    name="scale-up",
    says="two more workers come while the first one is at work",
    proves={"fine": ("L2", "L3", "S12"), "coarse": ("L2", "L3", "S12")},
    play=play,
    faults=(SCALED,),
    # Enough that a worker with prefetched items still has some when the others have waited.
    items=7,
    parallelism=1,
)
