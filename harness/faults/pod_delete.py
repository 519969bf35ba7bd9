"""A pod deleted with grace 0: SIGTERM, about two seconds, and then it is gone."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class PodDelete:
    """Deletes a worker's pod, cut off from its broker."""

    name: str = "pod deleted"

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """From now on nothing passes; what the worker says in its last seconds is lost."""
        self.land(stage, worker, address, self.strike(stage, worker, address))

    def strike(self, stage: ScenarioContext, worker: Worker, address: str) -> int:
        """Cut it off and have its pod deleted; returns at once, with the event of that."""
        pod = stage.pod(worker)
        begun = stage.cut_off(self.name, f"pod {pod.name}: deleted with grace 0", worker, address)
        stage.testbed.namespace.delete_pod(pod.name, grace=0)
        return begun

    def land(self, stage: ScenarioContext, worker: Worker, address: str, begun: int) -> None:
        """Wait until the pod is gone, and leave nothing of it."""
        tap, pod = stage.testbed.tap, stage.pod(worker)
        timeout = stage.testbed.namespace.timeouts.settle
        end = stage.wait(f"pod {pod.name} to be gone", conditions.pod_gone(worker.pod), timeout)
        # Its processes outlive it by some seconds, in which they could connect again and go on.
        over = conditions.logs_ended(worker.pod)
        stage.recorder.wait_or_none(f"the processes of pod {pod.name} to end", over, timeout)
        tap.cut(address)
        tap.release(address)
        stage.confirmed(self.name, begun, end.id)
        stage.healed(self.name)


FAULT = PodDelete()
