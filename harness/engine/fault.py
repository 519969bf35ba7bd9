"""Faults of workers and brokers, and whether a provider can inject them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

from harness.core.registry import Registry
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import Provider


class WorkerFault(Protocol):
    """A fault of one worker, recorded with the events that confirm that it landed."""

    @property
    def name(self) -> str: ...

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why this provider cannot inject the fault; empty when it can."""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Inject the fault into the worker at an address, see it land, and release everything.

        Args:
            context: The run.
            worker: The target.
            address: The IP address of the worker's pod.

        Raises:
            TimedOut: The fault was not seen to land.
        """


class BrokerFault(Protocol):
    """A fault of all workers at once, for some time: of the broker, or of the way to it."""

    @property
    def name(self) -> str: ...

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why this provider cannot inject the fault; empty when it can."""

    def active(self, context: ScenarioContext) -> AbstractContextManager[int]:
        """Inject the fault for as long as the block lasts, then undo it.

        Yields the id of the event that records its beginning.
        """


#: All faults that have a module; the tap injects the others.
FAULTS: Registry[WorkerFault | BrokerFault] = Registry(
    kind="faults", package="harness.faults", attribute="FAULT", group="queuejob.faults"
)


def unavailable_reason(names: Collection[str], provider: Provider) -> str:
    """Return why this provider cannot inject one of these faults; empty when it can.

    A fault without a module is injected by the tap, which is always possible.
    """
    for fault in FAULTS.all().values():
        if fault.name in names and (reason := fault.unavailable_reason(provider)):
            return f"{fault.name}: {reason}"
    return ""
