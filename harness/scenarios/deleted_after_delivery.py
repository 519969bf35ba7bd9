"""A worker's pod is deleted with grace 0; the worker that takes its item over is killed."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.command_stepping import CommandStepping, changed
from harness.faults import container_kill
from harness.faults.pod_delete import FAULT
from harness.history import ItemDelivered

#: Seconds before the end of a lease from which on other workers may be about to take the item over.
_LEASE_MARGIN = 0.3
#: Seconds for other workers to take the item over, if that time is not known.
_RECLAIM_SECONDS = 30.0


def play(context: ScenarioContext) -> None:
    """Delete the pod of the first worker that gets an item, before the delivery arrives.

    So no worker has worked on the item, however long the deletion takes. A worker that takes an
    item in one step and its lease in another has reached the first step.

    Fine: the harness kills the worker that takes the item over, with its first step.
    """
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    if not context.testbed.pattern.capabilities.has_leases:
        FAULT.inject(context, victim, hit.address)
    else:
        timeout = context.testbed.namespace.timeouts.settle
        delivery = context.wait(
            "the item of a worker", conditions.last_delivery_to(hit.address), timeout
        )
        begun = FAULT.strike(context, victim, hit.address)
        if isinstance(delivery.what, ItemDelivered) and not delivery.what.final:
            _kill_successor(context, delivery.what, delivery.id, hit.address)
        FAULT.land(context, victim, hit.address, begun)
    context.wait_for_the_end()


def _kill_successor(
    context: ScenarioContext, given: ItemDelivered, after: int, address: str
) -> None:
    """Step the other workers until one of them has changed the item, and kill that one."""
    since = (given.until or 0.0) - _LEASE_MARGIN
    if since - context.recorder.elapsed() > context.calibration.ceiling:
        return  # the harness does not wait for the end of such a lease
    stepping = CommandStepping(context, but=(address,))
    first_change = changed(given.item, address, after)
    event = stepping.until(first_change, context.bounds.reclaim or _RECLAIM_SECONDS, since)
    connection = getattr(event.what, "connection", None) if event is not None else None
    taker = conditions.address_of(context.recorder.events, connection or 0)
    stepping.end(but=taker)
    worker = context.owners.current_run(taker)
    if worker is not None:
        container_kill.FAULT.inject(context, worker, taker)


SCENARIO = Scenario(
    name="deleted-after-delivery",
    says="a pod is deleted, with grace 0, while its worker has an item; fine: and who takes that "
    "over is killed in that moment",
    proves={
        "fine": ("S1", "S9", "S12", "L1", "L3"),
        "coarse": ("S1", "S12", "S13", "L1", "L3"),
    },
    play=play,
    faults=(FAULT.name,),
    items=4,
)
