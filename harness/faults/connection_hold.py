"""A worker hangs, as far as its broker can tell: nothing passes until its item is another's."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.lease_takeover import wait_until_taken_over
from harness.history import Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class ConnectionHold:
    """Holds a worker's connections, those that it has and those that it makes meanwhile."""

    name: str = "held past its lease"

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: the tap does it."""
        return ""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Hold until somebody else was given its item, or surely could have been; then let go."""
        tap = stage.testbed.tap
        tap.hold(address)
        to = f"pod {stage.pod(worker).name}: nothing passes until its lease is over"
        begun = stage.injected(self.name, to, worker)
        shown = wait_until_taken_over(stage, address)
        stage.resume_client(address)
        stage.confirmed(self.name, begun, shown)
        stage.healed(self.name)


FAULT = ConnectionHold()
