"""The harness holds a worker's connections until another worker has its item."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.lease_takeover import wait_until_taken_over
from harness.history import Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class ConnectionHold:
    """Hold a worker's connections, the open ones and those that it opens meanwhile."""

    name: str = "held past its lease"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the tap."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Hold until another worker got the item, or surely could have; then release."""
        tap = context.testbed.tap
        tap.hold(address)
        description = f"pod {context.pod(worker).name}: nothing passes until its lease is over"
        begun = context.injected(self.name, description, worker)
        evidence = wait_until_taken_over(context, address)
        context.resume_client(address)
        context.confirmed(self.name, begun, evidence)
        context.healed(self.name)


FAULT = ConnectionHold()
