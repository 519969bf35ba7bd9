"""Harm: one module each, its object called `FAULT`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from harness import registry
from harness.history import Worker
from harness.ports import Provider
from harness.stage import Stage


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


def unavailable(names: Collection[str], provider: Provider) -> str:
    """Why one of these faults cannot be done with this provider; empty when all can.

    What has no module here is done by the tap, and always can be.
    """
    for module in registry.names("faults"):
        fault: Fault = registry.lookup("faults", module, "FAULT")
        if fault.name in names and (why := fault.available(provider)):
            return f"{fault.name}: {why}"
    return ""
