"""What a fault is, and whether a provider can do it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

from harness.core.registry import Registry
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import Provider


class WorkerFault(Protocol):
    """Something that befalls a worker, recorded with what confirms that it landed."""

    @property
    def name(self) -> str: ...

    def unavailable_reason(self, provider: Provider) -> str:
        """Why it cannot be done with this provider; empty when it can."""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Do it to the worker at an address, see it land, and leave nothing of it held.

        Raises `TimedOut` when it was not seen to land.
        """


class BrokerFault(Protocol):
    """Something that befalls all at once, for some time: the broker, or the way to it."""

    @property
    def name(self) -> str: ...

    def unavailable_reason(self, provider: Provider) -> str:
        """Why it cannot be done with this provider; empty when it can."""

    def active(self, stage: ScenarioContext) -> AbstractContextManager[int]:
        """Do it for as long as the block lasts, and undo it; gives the event of its beginning."""


#: All faults that have a module; the tap does the others.
FAULTS: Registry[WorkerFault | BrokerFault] = Registry(
    kind="faults", package="harness.faults", attribute="FAULT", group="queuejob.faults"
)


def unavailable_reason(names: Collection[str], provider: Provider) -> str:
    """Why one of these faults cannot be done with this provider; empty when all can.

    What has no module here is done by the tap, and always can be.
    """
    for fault in FAULTS.all().values():
        if fault.name in names and (why := fault.unavailable_reason(provider)):
            return f"{fault.name}: {why}"
    return ""
