"""Another Job with the same worker runs on a queue whose name begins with our queue's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import TimedOut
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import Digest, NeighbourSeen, Worker, to_bytes
from harness.infra.cluster import Provider

_NEIGHBOUR_NAME = "{}-next"


@dataclass(frozen=True)
class NeighbourJob:
    """Fill the other queue and run a Job on it, at the same time as ours."""

    name: str = "another Job"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the API server."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, queue: str) -> None:
        """Run the other Job to its end, or for as long as the reclaim of our item may take.

        `worker` is the worker of our Job that has an item meanwhile. Raises `ScenarioNotApplicable`
        if the worker's queue cannot be set.
        """
        if context.another is None:
            raise ScenarioNotApplicable(
                "the worker cannot be told of another queue",
                expected="--queue-env NAME, the environment variable that names the queue",
                seen="no such option",
            )
        items = [
            item for item in context.recorder.header.neighbours if not isinstance(item, Digest)
        ]
        job, other = _NEIGHBOUR_NAME.format(context.job), _NEIGHBOUR_NAME.format(queue)
        begun = context.injected(self.name, f"Job {job}, with the queue {other}", worker)
        context.send(other, [to_bytes(item) for item in items])
        context.testbed.namespace.create(context.another(job, other, len(items)))
        try:
            with contextlib.suppress(TimedOut):  # the fault does not need its end
                context.testbed.namespace.wait_ended(job, timeout=context.reclaim)
            context.confirmed(self.name, begun, *_record_pods(context, job))
        finally:
            context.testbed.delete_job(job)
            context.healed(self.name)


def _record_pods(context: ScenarioContext, job: str) -> Iterator[int]:
    """Record the pods of the other Job; yield the ids of these events.

    Raises `ScenarioNotApplicable` if no pod has an address.
    """
    pods = [candidate for candidate in context.testbed.namespace.pods_of(job) if candidate.address]
    if not pods:
        raise ScenarioNotApplicable(f"the Job {job} has had no pods", expected="some", seen="none")
    for pod in pods:
        observation = NeighbourSeen(pod.uid, pod.name, pod.address)
        event = context.recorder.record("pods", observation)
        yield event.id if event else 0


FAULT = NeighbourJob()
