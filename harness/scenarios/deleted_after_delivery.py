"""A pod is deleted with grace 0 while its worker has an item; who takes that over is killed."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.command_stepping import CommandStepping, changed
from harness.faults import container_kill
from harness.faults.pod_delete import FAULT
from harness.history import ItemDelivered

#: Seconds before the end of a lease from which on others may be about to take the item over.
_EARLY = 0.3
#: Seconds for others to take it over where nobody knows how long that may take.
_UNKNOWN = 30.0


def play(stage: ScenarioContext) -> None:
    """The first who is given an item is the victim, before it hears of that.

    So nobody has worked on it, however long the deletion takes; and who takes an item in one step
    and its lease in another has come to the first one. Fine: whoever takes the item over is killed
    with its first step.
    """
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    if not stage.testbed.pattern.capabilities.has_leases:
        FAULT.inject(stage, victim, caught.address)
    else:
        timeout = stage.testbed.namespace.timeouts.settle
        given = stage.wait(
            "the item of a worker", conditions.last_delivery_to(caught.address), timeout
        )
        begun = FAULT.strike(stage, victim, caught.address)
        if isinstance(given.what, ItemDelivered) and not given.what.final:
            _kill_its_successor(stage, given.what, given.id, caught.address)
        FAULT.land(stage, victim, caught.address, begun)
    stage.wait_for_the_end()


def _kill_its_successor(
    stage: ScenarioContext, given: ItemDelivered, after: int, address: str
) -> None:
    """Let the others go on step by step until one has done something to the item; kill that one."""
    since = (given.until or 0.0) - _EARLY
    if since - stage.recorder.elapsed() > stage.calibration.ceiling:
        return  # nobody waits for the end of such a lease
    stepping = CommandStepping(stage, but=(address,))
    first = changed(given.item, address, after)
    event = stepping.until(first, stage.bounds.reclaim or _UNKNOWN, since)
    connection = getattr(event.what, "connection", None) if event is not None else None
    taker = conditions.address_of(stage.recorder.events, connection or 0)
    stepping.end(but=taker)
    worker = stage.owners.current_run(taker)
    if worker is not None:
        container_kill.FAULT.inject(stage, worker, taker)


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
