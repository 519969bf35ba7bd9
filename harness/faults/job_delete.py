"""The harness deletes the Job while its workers are at work; they have their grace period."""

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

#: Seconds that a pod has to end, unless its manifest sets another grace period.
_GRACE_SECONDS = 30


@dataclass(frozen=True)
class JobDelete:
    """Delete the Job; its pods go with it."""

    name: str = "Job deleted"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the API server."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Delete the Job; return when all pods are gone, or had more than their grace period."""
        others = conditions.at_work(context.recorder.events) - {worker}
        begun = [
            context.injected(self.name, f"pod {context.pod(victim).name} is told to end", victim)
            for victim in (worker, *sorted(others, key=lambda victim: victim.pod))
        ]
        gone = delete(context, drained=False)
        context.confirmed(self.name, *begun, gone)
        context.healed(self.name)


def delete(context: ScenarioContext, *, drained: bool) -> int:
    """Delete the Job, wait for its pods to end, and record what remains.

    `drained`: no work remains, so all that its workers still have in the broker is waste. Returns
    the id of the recorded event.
    """
    namespace = context.testbed.namespace
    namespace.delete_job(context.job)
    left: tuple[str, ...] = ()

    def probe() -> None:
        nonlocal left
        left = _remaining_objects(context)
        if left:
            raise NotYet(", ".join(left))

    timeout = _GRACE_SECONDS + namespace.timeouts.settle
    with contextlib.suppress(TimedOut):  # the judge decides whether something may remain
        wait_until("the Job and its pods to be gone", probe, timeout=timeout, interval=0.5)
    context.testbed.tap.sync(namespace.timeouts.settle)
    keys = context.remains() if drained else None
    event = context.recorder.record("harness", JobDeleted(context.job, left, keys))
    return event.id if event else 0


def _remaining_objects(context: ScenarioContext) -> tuple[str, ...]:
    """Return the pods of the Job, and the Job itself, as far as they still exist."""
    namespace = context.testbed.namespace
    pods = tuple(f"pod {pod.name}" for pod in namespace.pods_of(context.job))
    try:
        namespace.job(context.job)
    except Refused as refused:
        if refused.status != NOT_FOUND:
            raise
        return pods
    return (f"Job {context.job}", *pods)


FAULT = JobDelete()
