"""A worker hangs, as far as its broker can tell: nothing passes until its lease is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness import seen
from harness.history import Event, ItemDelivered, ItemLeased, Payload, Worker
from harness.ports import Provider
from harness.stage import NotPlayable, Stage

#: Seconds after the end of a lease in which nobody takes the item who could.
_OVER = 1.0


@dataclass(frozen=True)
class Hold:
    """Holds a worker's connections, those that it has and those that it makes meanwhile."""

    name: str = "held past its lease"

    def available(self, provider: Provider) -> str:
        """Always: the tap does it."""
        return ""

    def inject(self, stage: Stage, worker: Worker, address: str) -> None:
        """Hold until somebody else was given its item, and at least until the lease is over."""
        lease = stage.learned.figures.lease
        if lease is None:
            raise NotPlayable(
                f"the scenario {stage.scenario.name!r} cannot be played",
                expected="a lease whose end can be waited for",
                seen="none in the fault-free run",
            )
        tap, timeout = stage.station.tap, stage.station.namespace.timeouts.settle
        tap.hold(address)
        given = stage.wait("the worker's item", seen.given_to(address), timeout)
        assert isinstance(given.what, ItemDelivered)
        item = given.what.item
        to = f"pod {stage.pod(worker).name}: nothing passes until its lease is over"
        begun = stage.injected(self.name, to, worker)
        over = stage.recording.moment() + lease + _OVER
        taken = seen.taken_over(item, address, given.id)
        alone = stage.scenario.parallelism == 1

        def news(events: Sequence[Event]) -> Event | bool | None:
            late = stage.recording.moment() > over
            return (late or None) if alone else taken(events)

        patience = lease + _OVER + (0 if alone else stage.bounds.reclaim)
        stage.recording.wait_quietly("another worker to take the item over", news, patience)
        tap.release(address)
        stage.disarm()
        stage.confirmed(self.name, begun, *_leases(stage.recording.events, item))
        stage.healed(self.name)


def _leases(events: Sequence[Event], item: Payload) -> list[int]:
    """The last lease on the item, where one was taken by itself."""
    return [
        event.id
        for event in events
        if isinstance(event.what, ItemLeased) and event.what.item == item
    ][-1:]


FAULT = Hold()
