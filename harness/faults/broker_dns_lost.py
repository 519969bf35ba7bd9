"""The harness deletes the broker's Service, so that DNS does not know its name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.history.fault_names import BROKER_NAMELESS
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class BrokerDnsLost:
    """Delete the broker's Service, and create it again with the same address."""

    name: str = BROKER_NAMELESS

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the API server."""
        return ""

    @contextlib.contextmanager
    def active(self, context: ScenarioContext) -> Iterator[int]:
        """Keep the fault active for the block; yield the id of the event of its beginning."""
        namespace, service = context.testbed.namespace, context.testbed.pattern.service
        manifest = namespace.remove_service(service)
        try:
            yield context.injected(self.name, f"Service {service}: deleted")
        finally:
            namespace.create(manifest)
            context.healed(self.name)


FAULT = BrokerDnsLost()
