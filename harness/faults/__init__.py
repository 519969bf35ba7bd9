"""Harm: one module each, its object called `FAULT`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from harness import registry, seen
from harness.clock import NotYet, wait_until
from harness.errors import InfrastructureError
from harness.history import ConnectionOpened, Event, Worker
from harness.ports import Provider
from harness.stage import NotPlayable, Stage

#: Seconds for which a worker without its broker is watched, unless it gives up before.
_TRIES = 30.0
#: A second, and some more for clocks that do not quite agree.
_SECOND = 1.2
#: For a shell on a node: `$pid` is that of the container `$0` then.
PID = """
pid=$(ctr --namespace k8s.io task ls | awk -v id="$0" '$1 == id { print $2 }')
"""


class Fault(Protocol):
    """Something that befalls a worker, recorded with what confirms that it landed."""

    @property
    def name(self) -> str: ...

    def available(self, provider: Provider) -> str:
        """Why it cannot be done with this provider; empty when it can."""

    def inject(self, stage: Stage, worker: Worker, address: str) -> None:
        """Do it to the worker at an address, see it land, and leave nothing of it held.

        Raises `TimedOut` when it was not seen to land.
        """


class Outage(Protocol):
    """Something that befalls all at once, for some time: the broker, or the way to it."""

    @property
    def name(self) -> str: ...

    def available(self, provider: Provider) -> str:
        """Why it cannot be done with this provider; empty when it can."""

    def during(self, stage: Stage) -> AbstractContextManager[int]:
        """Do it for as long as the block lasts, and undo it; gives the event of its beginning."""


def unavailable(names: Collection[str], provider: Provider) -> str:
    """Why one of these faults cannot be done with this provider; empty when all can.

    What has no module here is done by the tap, and always can be.
    """
    for module in registry.names("faults"):
        fault: Fault | Outage = registry.lookup("faults", module, "FAULT")
        if fault.name in names and (why := fault.available(provider)):
            return f"{fault.name}: {why}"
    return ""


def harm_at_work(stage: Stage, fault: Fault) -> None:
    """Harm the first who is given an item, as soon as it has begun; until the end of the Job."""
    trap = stage.trap(stage.points.delivered)
    stage.start()
    caught = stage.catch(trap)
    victim = stage.worker_at(caught.address)
    stage.free(trap)
    stage.has_begun(victim, caught)
    fault.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


def in_vain(stage: Stage) -> tuple[int, ...]:
    """Watch workers that are to find no broker; the events that show that they did not."""
    running = stage.wait("a worker to run", seen.running(), stage.patience)
    end = stage.recording.wait_quietly("a worker to give up", seen.gave_up(), _TRIES)
    if end is not None:
        let_pass(stage, end)
    for event in stage.recording.events:
        if isinstance(event.what, ConnectionOpened):
            raise NotPlayable(
                "a worker has reached the broker all the same",
                expected="no connection",
                seen=f"one from {event.what.address} after {event.time:.1f} s",
            )
    return (running.id,) if end is None else (running.id, end.id)


def let_pass(stage: Stage, end: Event) -> None:
    """Wait until the second of a worker's end is over: the kubelet tells no more than that."""
    until = (getattr(end.what, "finished", None) or end.time) + _SECOND
    let_last(stage, "the second of the end", until, 2 * _SECOND)


def let_last(stage: Stage, what: str, until: float, timeout: float) -> None:
    """Wait until a moment of the recording is over; both in seconds."""

    def over(_: Sequence[Event]) -> bool | None:
        return True if stage.recording.moment() > until else None

    stage.recording.wait_quietly(f"{what} to be over", over, timeout)


def until_on_node(stage: Stage, what: str, node: str, script: str, *arguments: str) -> None:
    """Wait until a shell's script succeeds on a node; the first argument is its `$0`."""
    provider = stage.station.provider

    def succeeds() -> None:
        try:
            provider.on_node(node, "sh", "-c", script, *arguments)
        except InfrastructureError as error:
            raise NotYet(str(error.seen or error)) from error

    wait_until(what, succeeds, timeout=stage.station.namespace.timeouts.settle)
