"""The harness deletes a pod with grace: the worker can finish its item or give it back."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.graceful_stop import GRACE, wait_for_exit, wait_for_sigterm
from harness.history import STOPPED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class PodTerminate:
    """Delete a worker's pod, and let it talk to its broker until it exits."""

    name: str = STOPPED

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the API server."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Delete the pod; return when the worker has the signal, or has exited for it."""
        pod = context.pod(worker)
        description = f"pod {pod.name}: deleted with {GRACE} s of grace"
        begun = context.injected(self.name, description, worker)
        context.testbed.namespace.delete_pod(pod.name, grace=GRACE)
        context.confirmed(self.name, begun, wait_for_sigterm(context, worker))

    def heal(self, context: ScenarioContext, worker: Worker) -> None:
        """Wait until the worker has exited."""
        wait_for_exit(context, worker)
        context.healed(self.name)


FAULT = PodTerminate()
