"""The harness evicts a pod, as when its place is needed: SIGTERM with a grace period."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.graceful_stop import GRACE, wait_for_exit, wait_for_sigterm
from harness.history import EVICTED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class PodEvict:
    """Evict a worker's pod, and let it talk to its broker until it exits."""

    name: str = EVICTED

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the API server."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Evict the pod; return when the worker has the signal, or has exited for it."""
        pod = context.pod(worker)
        description = f"pod {pod.name}: evicted, with {GRACE} s of grace"
        begun = context.injected(self.name, description, worker)
        context.testbed.namespace.evict_pod(pod.name, grace=GRACE)
        context.confirmed(self.name, begun, wait_for_sigterm(context, worker))

    def heal(self, context: ScenarioContext, worker: Worker) -> None:
        """Wait until the worker has exited."""
        wait_for_exit(context, worker)
        context.healed(self.name)


FAULT = PodEvict()
