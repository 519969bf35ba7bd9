"""The wait that faults have in common which last until a worker's item is another's."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Event

#: Seconds by which a lease is surely over, also for clocks that do not quite agree.
_OVER = 1.0


def wait_until_taken_over(stage: ScenarioContext, address: str) -> int:
    """Wait until the item of whoever is at an address is another's; alone, until it could be.

    The id of the event that shows it, or of the first delivery where there is no other.
    `NotPlayable` where no lease is known, or its end is not waited for.
    """
    lease = stage.whole_lease()
    timeout = stage.testbed.namespace.timeouts.settle
    given = stage.wait("the item of a worker", conditions.last_delivery_to(address), timeout)
    item = getattr(given.what, "item", "")
    taken = conditions.delivered_to_other(item, address, given.id)
    over, alone = stage.recorder.elapsed() + lease + _OVER, stage.scenario.parallelism == 1

    def find(events: Sequence[Event]) -> Event | None:
        return taken(events) or (given if alone and stage.recorder.elapsed() > over else None)

    patience = lease + _OVER + stage.reclaim
    return (stage.recorder.wait_or_none("its being taken over", find, patience) or given).id
