"""A pod evicted, as by whoever needs its place: SIGTERM, and time to come to an end."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.graceful_stop import GRACE, wait_for_exit, wait_for_sigterm
from harness.history import EVICTED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class PodEvict:
    """Has a worker's pod evicted, and lets it talk to its broker until its end."""

    name: str = EVICTED

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the signal has arrived, or the worker has ended for it already."""
        pod = stage.pod(worker)
        to = f"pod {pod.name}: evicted, with {GRACE} s of grace"
        begun = stage.injected(self.name, to, worker)
        stage.testbed.namespace.evict_pod(pod.name, grace=GRACE)
        stage.confirmed(self.name, begun, wait_for_sigterm(stage, worker))

    def heal(self, stage: ScenarioContext, worker: Worker) -> None:
        """Wait until the worker has ended."""
        wait_for_exit(stage, worker)
        stage.healed(self.name)


FAULT = PodEvict()
