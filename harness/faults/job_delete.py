"""The Job is deleted while its workers are at work: they are told to stop, and have their grace."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from harness.core.clock import NotYet, wait_until
from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import JobDeleted, Worker
from harness.infra.cluster import Provider
from harness.infra.kube import Refused
from harness.infra.kube.api import NOT_FOUND

#: Seconds that a pod has to end, unless its manifest says otherwise.
_GRACE = 30


@dataclass(frozen=True)
class JobDelete:
    """Deletes the Job; its pods go with it."""

    name: str = "Job deleted"

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when all pods are gone, or have had more than their time."""
        others = conditions.at_work(stage.recorder.events) - {worker}
        begun = [
            stage.injected(self.name, f"pod {stage.pod(one).name} is told to end", one)
            for one in (worker, *sorted(others, key=lambda one: one.pod))
        ]
        gone = delete(stage, drained=False)
        stage.confirmed(self.name, *begun, gone)
        stage.healed(self.name)


def delete(stage: ScenarioContext, *, drained: bool) -> int:
    """Delete the Job, give its pods their time, and record what is left; the id of that event.

    `drained`: there is no work left, so whatever its workers still have in the broker is waste.
    """
    namespace = stage.testbed.namespace
    namespace.delete_job(stage.job)
    left: tuple[str, ...] = ()

    def probe() -> None:
        nonlocal left
        left = _objects(stage)
        if left:
            raise NotYet(", ".join(left))

    timeout = _GRACE + namespace.timeouts.settle
    with contextlib.suppress(TimedOut):  # whether something may be left is for the judge to say
        wait_until("the Job and its pods to be gone", probe, timeout=timeout, interval=0.5)
    stage.testbed.tap.sync(namespace.timeouts.settle)
    keys = stage.remains() if drained else None
    event = stage.recorder.record("harness", JobDeleted(stage.job, left, keys))
    return event.id if event else 0


def _objects(stage: ScenarioContext) -> tuple[str, ...]:
    namespace = stage.testbed.namespace
    pods = tuple(f"pod {one.name}" for one in namespace.pods_of(stage.job))
    try:
        namespace.job(stage.job)
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise
        return pods
    return (f"Job {stage.job}", *pods)


FAULT = JobDelete()
