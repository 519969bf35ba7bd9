"""The harness deletes a pod with grace 0: the worker has about two seconds after SIGTERM."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class PodDelete:
    """Delete a worker's pod, and cut it off from its broker."""

    name: str = "pod deleted"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the API server."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Delete the pod. From now on no message passes, and the worker's last ones are lost."""
        self.land(context, worker, address, self.strike(context, worker, address))

    def strike(self, context: ScenarioContext, worker: Worker, address: str) -> int:
        """Cut the worker off and delete its pod; return at once, with the id of the event."""
        pod = context.pod(worker)
        begun = context.cut_off(self.name, f"pod {pod.name}: deleted with grace 0", worker, address)
        context.testbed.namespace.delete_pod(pod.name, grace=0)
        return begun

    def land(self, context: ScenarioContext, worker: Worker, address: str, begun: int) -> None:
        """Wait until the pod is gone, and end all its connections."""
        tap, pod = context.testbed.tap, context.pod(worker)
        timeout = context.testbed.namespace.timeouts.settle
        deletion = context.wait(
            f"pod {pod.name} to be gone", conditions.pod_gone(worker.pod), timeout
        )
        # Its processes live some seconds longer, and could connect again and continue.
        ended = conditions.logs_ended(worker.pod)
        context.recorder.wait_or_none(f"the processes of pod {pod.name} to end", ended, timeout)
        tap.cut(address)
        tap.release(address)
        context.confirmed(self.name, begun, deletion.id)
        context.healed(self.name)


FAULT = PodDelete()
