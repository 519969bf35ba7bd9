"""What keeps a Job's worker from running, or its pods from ending, whatever the worker does.

All of it follows from what the cluster told of the Job, its pods and its containers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from harness.checks.model.cluster import ClusterTable, Job, Other, Pod, Run, Warned
from harness.checks.model.event_ref import EventRef
from harness.core.text import clean
from harness.history import Worker
from harness.history.preview import shown

_POD = "spec.template.spec"
_IMAGE = ("ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
_CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
#: Ends of a container that has not begun: its command is not there, or its limits are too low.
_NO_START = ("StartError", "ContainerCannotRun")
_OOM = "OOMKilled"
_CRASHES = "CrashLoopBackOff"
_OVER = ("Succeeded", "Failed")
#: So often its memory's limit has to end a worker before that is no accident.
_TWICE = 2
#: Seconds for which a queue controller, a quota or a scheduler may be about to change its mind.
_SOON, _LATER = 10.0, 20.0
#: What the scheduler's words point to.
_PLACES = (
    ("Insufficient", f"lower {_POD}.containers[].resources.requests"),
    ("volume", f"change {_POD}.volumes, or give what they need with --manifests"),
    ("claim", f"change {_POD}.volumes, or give what they need with --manifests"),
    ("affinity", f"change {_POD}.affinity or {_POD}.nodeSelector"),
    ("selector", f"change {_POD}.affinity or {_POD}.nodeSelector"),
    ("taint", f"add what is missing to {_POD}.tolerations"),
)


class Obstacle(msgspec.Struct, frozen=True):
    """Why no worker runs (or a pod does not end), what to change, and what shows it."""

    why: str
    todo: str
    marks: tuple[EventRef, ...]
    #: Seconds for which it may still pass by itself, from the last of the marks.
    patience: float = 0.0

    @property
    def since(self) -> float:
        return max(one.at for one in self.marks)


class ClusterState(msgspec.Struct, frozen=True):
    """The Job and all that belongs to it, as they were seen last."""

    job: Job
    pods: Mapping[str, Pod]
    runs: Mapping[Worker, Run]
    others: Mapping[tuple[str, str], Other]
    warnings: tuple[Warned, ...]

    @classmethod
    def of(cls, table: ClusterTable) -> ClusterState:
        return cls(table.job, table.pods, table.runs(), table.others, tuple(table.warnings))

    def there(self) -> Iterator[Pod]:
        """The pods that are not gone."""
        return (pod for pod in self.pods.values() if pod.deleted is None)

    def last_run(self, pod: Pod) -> Run | None:
        """The present run of the pod's worker, or the one that it waits for."""
        runs = {worker.run: run for worker, run in self.runs.items() if worker.pod == pod.uid}
        return runs[max(runs)] if runs else None


def not_running(seen: ClusterState) -> Obstacle | None:
    """Why no worker gets to run."""
    return next(_not_running(seen), None)


def _not_running(seen: ClusterState) -> Iterator[Obstacle]:
    if seen.job.suspended is not None:
        yield Obstacle(
            "the Job is suspended: nothing will start it",
            "set spec.suspend to false, and see that no queue controller sets it",
            (seen.job.suspended,),
            _SOON,
        )
    for pod in seen.there():
        yield from _of_its_containers(seen, pod)
        if pod.why and pod.since and pod.phase not in _OVER:
            todo = (words for sign, words in _PLACES if sign in pod.why)
            yield Obstacle(
                f"pod {pod.name} waits for a node: {clean(pod.why)}",
                next(todo, f"change what {_POD} asks of a node"),
                (pod.since,),
                _LATER,
            )
    yield from _warned(seen)
    yield from _out_of_memory(seen)


def _of_its_containers(seen: ClusterState, pod: Pod) -> Iterator[Obstacle]:
    for other in seen.others.values():
        if other.seen.pod == pod.uid and other.seen.kind != "beside":
            yield from _before_the_worker(pod, other)
    run = seen.last_run(pod)
    if run is None:
        return
    mark = run.ended or run.waiting
    if mark is None:
        return
    words = ": ".join(filter(None, (run.reason, clean(run.why))))
    if run.reason in _IMAGE:
        todo = "see that the image is on this machine, or can be pulled"
        yield Obstacle(f"the worker's image cannot be had: {words}", todo, (mark,))
    elif run.reason in _CONFIG:
        todo = f"give what it refers to with --manifests, or change {_POD}.containers[]"
        yield Obstacle(f"the worker's container cannot be created: {words}", todo, (mark,))
    elif run.reason in _NO_START:
        memory = "memory" in run.why or "OOM" in run.why
        todo = f"raise {_POD}.containers[].resources.limits.memory"
        if not memory:
            todo = f"see that {_POD}.containers[].command is in the image and can be run"
        yield Obstacle(f"the worker's container cannot start: {words}", todo, (mark,))


def _before_the_worker(pod: Pod, other: Other) -> Iterator[Obstacle]:
    """An init container that fails: the worker's turn never comes."""
    what = other.seen
    name = f"init container {what.container!r} of pod {pod.name}"
    todo = f"change {_POD}.initContainers ({what.container})"
    said = f"; it wrote: {shown(other.line, 200)}" if other.line else ""
    words = ": ".join(filter(None, (what.reason, clean(what.why))))
    if what.state == "waiting" and what.reason in (*_IMAGE, *_CONFIG):
        yield Obstacle(f"{name} cannot be started: {words}", todo, (other.ref,))
    elif what.state == "waiting" and what.reason == _CRASHES:
        text = f"{name} fails again and again, so the worker never starts{said}"
        yield Obstacle(text, todo, (other.ref,))
    elif what.state == "terminated" and what.exit_code and pod.phase == "Failed":
        text = f"{name} exited with {what.exit_code}, so the worker never starts{said}"
        yield Obstacle(text, todo, (other.ref,))


def _warned(seen: ClusterState) -> Iterator[Obstacle]:
    begun = any(run.running for run in seen.runs.values())
    for one in seen.warnings:
        what, words = one.seen, clean(one.seen.why)
        if what.reason == "FailedCreate" and not seen.pods:
            todo = f"change what it names in {_POD}"
            if "quota" in what.why:
                todo = f"raise the quota, or lower {_POD}.containers[].resources"
            yield Obstacle(f"no pod of the Job can be created: {words}", todo, (one.ref,), _SOON)
        elif what.reason in ("FailedMount", "FailedAttachVolume") and not begun:
            yield Obstacle(
                f"{what.about} does not get its volumes: {words}",
                f"give what they need with --manifests, or change {_POD}.volumes",
                (one.ref,),
                _LATER,
            )


def _out_of_memory(seen: ClusterState) -> Iterator[Obstacle]:
    ended = [run.ended for run in seen.runs.values() if run.reason == _OOM and run.ended]
    if len(ended) >= _TWICE:
        yield Obstacle(
            f"the worker was OOMKilled {len(ended)} times: its limit of memory is too low",
            f"raise {_POD}.containers[].resources.limits.memory",
            tuple(ended[:_TWICE]),
        )


def held_open(seen: ClusterState) -> Obstacle | None:
    """Which container keeps a pod from its end, although the worker in it has come to its own."""
    for (uid, name), other in seen.others.items():
        pod = seen.pods.get(uid)
        if pod is None or pod.deleted or pod.phase in _OVER or other.seen.kind != "beside":
            continue
        run = seen.last_run(pod)
        if other.seen.state == "running" and run and run.ended and run.exit_code is not None:
            return Obstacle(
                f"container {name!r} of pod {pod.name} still runs, although the worker in it "
                f"exited with {run.exit_code}, so the pod does not end",
                f"make {name!r} an init container with restartPolicy: Always, which ends with the "
                "worker",
                (other.ref, run.ended),
            )
    return None
