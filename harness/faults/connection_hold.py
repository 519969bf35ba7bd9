"""A worker hangs, as far as its broker can tell: nothing passes until its item is another's."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import Stage
from harness.engine.steps.lease_takeover import until_taken_over
from harness.history import Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class Hold:
    """Holds a worker's connections, those that it has and those that it makes meanwhile."""

    name: str = "held past its lease"

    def available(self, provider: Provider) -> str:
        """Always: the tap does it."""
        return ""

    def inject(self, stage: Stage, worker: Worker, address: str) -> None:
        """Hold until somebody else was given its item, or surely could have been; then let go."""
        tap = stage.station.tap
        tap.hold(address)
        to = f"pod {stage.pod(worker).name}: nothing passes until its lease is over"
        begun = stage.injected(self.name, to, worker)
        shown = until_taken_over(stage, address)
        stage.let_go(address)
        stage.confirmed(self.name, begun, shown)
        stage.healed(self.name)


FAULT = Hold()
