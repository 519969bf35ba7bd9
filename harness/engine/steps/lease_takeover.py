"""Wait until another worker has taken over an item, or could have."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Event

#: Seconds after which a lease is surely over, also with clocks that differ a little.
_CLOCK_MARGIN = 1.0


def wait_until_taken_over(context: ScenarioContext, address: str) -> int:
    """Wait until another worker has the item of the worker at `address`.

    With a single worker, wait until another one could have it. Returns the id of the event that
    shows the takeover, or of the first delivery if there is none. Raises `ScenarioNotApplicable` if
    no lease is known, or if its end is too far away to wait for.
    """
    lease = context.whole_lease()
    timeout = context.testbed.namespace.timeouts.settle
    delivery = context.wait("the item of a worker", conditions.last_delivery_to(address), timeout)
    item = getattr(delivery.what, "item", "")
    taken_over = conditions.delivered_to_other(item, address, delivery.id)
    over, alone = (
        context.recorder.elapsed() + lease + _CLOCK_MARGIN,
        context.scenario.parallelism == 1,
    )

    def find(events: Sequence[Event]) -> Event | None:
        return taken_over(events) or (
            delivery if alone and context.recorder.elapsed() > over else None
        )

    patience = lease + _CLOCK_MARGIN + context.reclaim
    return (context.recorder.wait_or_none("its being taken over", find, patience) or delivery).id
