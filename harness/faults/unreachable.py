"""Nobody listens at the broker's address: connections are refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.ports import Provider
from harness.restart import NOBODY
from harness.stage import Stage


@dataclass(frozen=True)
class Unreachable:
    """Lets the broker's Service lead to no pod; it keeps its name and its address."""

    name: str = "broker unreachable"

    def available(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    @contextlib.contextmanager
    def during(self, stage: Stage) -> Iterator[int]:
        """For as long as the block lasts; gives the event of its beginning.

        Who was connected before stays so.
        """
        namespace, service = stage.station.namespace, stage.station.pattern.service
        namespace.select(service, **{NOBODY: "true"})
        try:
            yield stage.injected(self.name, f"Service {service}: it leads to no pod")
        finally:
            namespace.select(service, **{NOBODY: None})
            stage.healed(self.name)


FAULT = Unreachable()
