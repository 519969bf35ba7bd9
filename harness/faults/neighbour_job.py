"""Another Job with the same worker, on a queue whose name begins with the name of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import TimedOut
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import Digest, NeighbourSeen, Worker, to_bytes
from harness.infra.cluster import Provider

_NAME = "{}-next"


@dataclass(frozen=True)
class NeighbourJob:
    """Fills the other queue and runs a Job on it, beside ours."""

    name: str = "another Job"

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    def inject(self, stage: ScenarioContext, worker: Worker, queue: str) -> None:
        """Run it to its end, or for as long as an item of ours is to be reclaimed in.

        `worker` is the one of ours that has an item meanwhile. `ScenarioNotApplicable` for workers
        whose queue cannot be set.
        """
        if stage.another is None:
            raise ScenarioNotApplicable(
                "the worker cannot be told of another queue",
                expected="--queue-env NAME, the environment variable that names the queue",
                seen="no such option",
            )
        items = [one for one in stage.recorder.header.neighbours if not isinstance(one, Digest)]
        job, other = _NAME.format(stage.job), _NAME.format(queue)
        begun = stage.injected(self.name, f"Job {job}, with the queue {other}", worker)
        stage.send(other, [to_bytes(one) for one in items])
        stage.testbed.namespace.create(stage.another(job, other, len(items)))
        try:
            with contextlib.suppress(TimedOut):  # that it ends is not the point
                stage.testbed.namespace.wait_ended(job, timeout=stage.reclaim)
            stage.confirmed(self.name, begun, *_pods(stage, job))
        finally:
            stage.testbed.delete_job(job)
            stage.healed(self.name)


def _pods(stage: ScenarioContext, job: str) -> Iterator[int]:
    """The events that show its pods; `ScenarioNotApplicable` where none has an address."""
    found = [one for one in stage.testbed.namespace.pods_of(job) if one.address]
    if not found:
        raise ScenarioNotApplicable(f"the Job {job} has had no pods", expected="some", seen="none")
    for pod in found:
        seen = NeighbourSeen(pod.uid, pod.name, pod.address)
        event = stage.recorder.record("pods", seen)
        yield event.id if event else 0


FAULT = NeighbourJob()
