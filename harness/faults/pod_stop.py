"""A pod deleted with grace: SIGTERM, and time to finish or to give back what it has."""

from __future__ import annotations

from dataclasses import dataclass

from harness import seen
from harness.history import STOPPED, Worker
from harness.ports import Provider
from harness.stage import Stage

#: Seconds that the worker has, as a pod has them unless its manifest says otherwise.
GRACE = 30
#: Seconds in which the signal arrives once the pod is marked.
_ON_ITS_WAY = 3.0


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
        timeout = stage.station.namespace.timeouts.settle
        marked = stage.wait(
            f"pod {pod.name} to be told to end", seen.told_to_end(worker.pod), timeout
        )
        over = seen.exit_of(worker)
        stage.recording.wait_quietly(f"the end of pod {pod.name}", over, _ON_ITS_WAY)
        stage.confirmed(self.name, begun, marked.id)

    def heal(self, stage: Stage, worker: Worker) -> None:
        """Wait until the worker has ended; after its grace the kubelet sees to that."""
        timeout = GRACE + stage.station.namespace.timeouts.settle
        stage.wait("the worker that was told to stop to end", seen.exit_of(worker), timeout)
        stage.healed(self.name)


FAULT = PodStop()
