"""What faults have in common that tell a worker to end, and give it time; how they are played."""

from __future__ import annotations

from typing import Protocol

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Worker

#: Seconds that the worker has, as a pod has them unless its manifest says otherwise.
GRACE = 30
#: Seconds in which the signal arrives once the pod is marked.
_ON_ITS_WAY = 3.0


class Stop(Protocol):
    """A fault that tells a worker to end."""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the signal has arrived, or the worker has ended for it already."""

    def heal(self, stage: ScenarioContext, worker: Worker) -> None:
        """Wait until the worker has ended."""


def wait_for_sigterm(stage: ScenarioContext, worker: Worker) -> int:
    """Wait until the signal has arrived, or the worker has ended for it; the event that shows it.

    Raises `TimedOut` where its pod is never marked.
    """
    pod, timeout = stage.pod(worker).name, stage.testbed.namespace.timeouts.settle
    marked = stage.wait(
        f"pod {pod} to be told to end", conditions.pod_terminating(worker.pod), timeout
    )
    over = conditions.exit_of(worker)
    stage.recorder.wait_or_none(f"the end of pod {pod}", over, _ON_ITS_WAY)
    return marked.id


def wait_for_exit(stage: ScenarioContext, worker: Worker) -> None:
    """Wait until the worker has ended; after its grace the kubelet sees to that."""
    timeout = GRACE + stage.testbed.namespace.timeouts.settle
    stage.wait("the worker that was told to stop to end", conditions.exit_of(worker), timeout)


def stop_while_working(stage: ScenarioContext, fault: Stop) -> None:
    """Stop the first who has begun an item; who is quick is held at its report until then."""
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    if stage.calibration.settles:
        stage.set_breakpoint(stage.points.settling, caught.address)
    stage.resume(trap)
    stage.wait_until_started(victim, caught)
    fault.inject(stage, victim, caught.address)
    stage.resume_client(caught.address)
    fault.heal(stage, victim)
    stage.wait_for_the_end()
