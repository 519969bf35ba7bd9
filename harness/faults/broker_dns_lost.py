"""The broker's name means nothing: DNS knows no such Service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class BrokerDnsLost:
    """Takes the broker's Service away, and brings it back with the same address."""

    name: str = "broker's name unknown"

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    @contextlib.contextmanager
    def active(self, stage: ScenarioContext) -> Iterator[int]:
        """For as long as the block lasts; gives the event of its beginning."""
        namespace, service = stage.testbed.namespace, stage.testbed.pattern.service
        manifest = namespace.remove_service(service)
        try:
            yield stage.injected(self.name, f"Service {service}: deleted")
        finally:
            namespace.create(manifest)
            stage.healed(self.name)


FAULT = BrokerDnsLost()
