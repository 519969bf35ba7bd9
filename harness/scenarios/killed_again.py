"""The worker that takes an item over is killed as well, after its report."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.container_kill import FAULT
from harness.history import to_bytes


def play(context: ScenarioContext) -> None:
    """Kill the first worker with its item on the way, and the second just after its report.

    A worker may use different code for an item that comes back: it may report it at once.
    """
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    first = context.worker_at(hit.address)
    timeout = context.testbed.namespace.timeouts.settle
    delivery = context.wait(
        "the item of a worker", conditions.last_delivery_to(hit.address), timeout
    )
    item = to_bytes(getattr(delivery.what, "item", ""))
    second_handle = context.set_breakpoint(context.points.delivered_of(item))
    FAULT.inject(context, first, hit.address)
    hit = context.wait_for_hit(second_handle)
    one_each = context.testbed.pattern.capabilities.one_item_per_pod
    while one_each and conditions.settled(hit.connection)(context.recorder.events):
        # The worker has done its message, and returns what it got in addition.
        next_handle = context.set_breakpoint(context.points.delivered_of(item))
        context.resume(second_handle)
        second_handle, hit = next_handle, context.wait_for_hit(next_handle)
    second = context.worker_at(hit.address, but=(first,))
    context.container_of(second)  # ask for it now: the kill has to be quick
    report_handle = context.set_breakpoint(context.points.settled, hit.address)
    context.resume(second_handle)
    hit = context.wait_for_hit(report_handle)
    context.wait("the broker to settle the item", conditions.settled(hit.connection), timeout)
    FAULT.inject(context, second, hit.address)
    context.wait_for_the_end()


SCENARIO = Scenario(
    name="killed-again",
    says="a worker is killed with an item, and the next one just after it has reported it as done",
    proves={"fine": ("S1", "S12", "L1", "L3"), "coarse": ("S1", "L1")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
