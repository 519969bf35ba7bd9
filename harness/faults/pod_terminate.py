"""A pod deleted with grace: SIGTERM, and time to finish or to give back what it has."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import Stage
from harness.engine.steps.graceful_stop import GRACE, until_ended, until_told
from harness.history import STOPPED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class PodStop:
    """Deletes a worker's pod, and lets it talk to its broker until its end."""

    name: str = STOPPED

    def available(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    def inject(self, stage: Stage, worker: Worker, address: str) -> None:
        """Returns when the signal has arrived, or the worker has ended for it already."""
        pod = stage.pod(worker)
        to = f"pod {pod.name}: deleted with {GRACE} s of grace"
        begun = stage.injected(self.name, to, worker)
        stage.station.namespace.delete_pod(pod.name, grace=GRACE)
        stage.confirmed(self.name, begun, until_told(stage, worker))

    def heal(self, stage: Stage, worker: Worker) -> None:
        """Wait until the worker has ended."""
        until_ended(stage, worker)
        stage.healed(self.name)


FAULT = PodStop()
