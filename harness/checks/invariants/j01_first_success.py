"""J1: after the first success no pod is added; the Job is Complete when all workers ended."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import EventRef, RunModel, WorkerLifetime, held_open, not_running
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Subject, failed, passed, unknown

#: Seconds in which a pod may have been on its way; and in which the Job controller may not have
#: seen the success yet (unless it counted it).
_RACE, _SLOW = 1.0, 30.0


def check(view: RunModel) -> Iterator[Finding]:
    succeeded = [life for life in view.workers.values() if life.success and life.run.version]
    if not succeeded:
        yield unknown("no worker has exited with 0")
        return
    first = min(succeeded, key=lambda life: life.run.version)
    success = first.run.ended
    if success is None:
        return
    # Resource versions grow with every change of any pod, so they give the order.
    later = [pod for pod in view.pods.values() if pod.version > first.run.version]
    for pod in later:
        counted = view.job.counted is not None and view.job.counted < pod.version
        maybe_on_its_way = pod.added.at - success.at <= (_RACE if counted else _SLOW)
        text = f"pod {pod.name} was added after {view.names.short(first.worker)} had succeeded"
        if maybe_on_its_way and view.job.completions is None:
            yield unknown(
                text + ", so soon that it may have been on its way",
                *evidence_ids(success, pod.added),
            )
        else:
            yield failed(text, *evidence_ids(success, pod.added), subject=Subject.JOB)
    if not later:
        yield _completed(view, first, success)


def _completed(view: RunModel, first: WorkerLifetime, success: EventRef) -> Finding:
    complete, who = view.job.complete, view.names.short(first.worker)
    if complete is not None:
        return passed(
            f"after the success of {who} no pod was added, and the Job became Complete",
            *evidence_ids(success, complete),
        )
    if view.job.failed is not None:
        return unknown("the Job failed after a success", *evidence_ids(success, view.job.failed))
    ends = [life.end for life in view.workers.values()]
    ended = [end.ref for end in ends if end is not None]
    if (
        len(ended) == len(ends)
        and view.last - max(event.at for event in ended) > view.header.bounds.end
    ):
        text = f"all workers have ended, {who} with success, and the Job is not Complete"
        cause = held_open(view.standing) or not_running(view.standing)
        if cause is not None:
            text += f": {cause.why}; {cause.todo}"
        events = cause.refs if cause else ()
        return failed(
            text, *evidence_ids(success, ended[-1], *events, view.job.last), subject=Subject.JOB
        )
    return unknown(f"the Job was not Complete yet after the success of {who}", success.id)


INVARIANT = Invariant(
    "J1", "first success ends the recruiting", ("fine",), check, valid_in_partial_history=True
)
