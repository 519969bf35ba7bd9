"""Obstacles that keep a Job's worker from running, or its pods from ending.

They do not depend on the worker: all of them follow from what the cluster reported about the
Job, its pods and its containers.
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
_IMAGE_ERRORS = ("ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
_CONFIG_ERRORS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
#: Reasons of a container that never began: its command is missing, or its limits are too low.
_START_ERRORS = ("StartError", "ContainerCannotRun")
_OOM = "OOMKilled"
_CRASH_LOOP = "CrashLoopBackOff"
_FINISHED_PHASES = ("Succeeded", "Failed")
#: A memory limit that ends a worker so many times is no accident.
_MIN_OOM_KILLS = 2
#: Seconds in which a queue controller, a quota or a scheduler may still change its decision.
_SHORT_PATIENCE, _LONG_PATIENCE = 10.0, 20.0
#: The remedy, by a term in the message of the scheduler.
_SCHEDULER_HINTS = (
    ("Insufficient", f"lower {_POD}.containers[].resources.requests"),
    ("volume", f"change {_POD}.volumes, or give what they need with --manifests"),
    ("claim", f"change {_POD}.volumes, or give what they need with --manifests"),
    ("affinity", f"change {_POD}.affinity or {_POD}.nodeSelector"),
    ("selector", f"change {_POD}.affinity or {_POD}.nodeSelector"),
    ("taint", f"add what is missing to {_POD}.tolerations"),
)


class Obstacle(msgspec.Struct, frozen=True):
    """The reason why no worker runs (or a pod does not end), the remedy, and the evidence."""

    why: str
    todo: str
    refs: tuple[EventRef, ...]
    #: Seconds, from the last of its events, in which it may still pass automatically.
    patience: float = 0.0

    @property
    def since(self) -> float:
        return max(event_ref.at for event_ref in self.refs)


class ClusterState(msgspec.Struct, frozen=True):
    """The Job and everything that belongs to it, as last observed."""

    job: Job
    pods: Mapping[str, Pod]
    runs: Mapping[Worker, Run]
    others: Mapping[tuple[str, str], Other]
    warnings: tuple[Warned, ...]

    @classmethod
    def of(cls, table: ClusterTable) -> ClusterState:
        return cls(table.job, table.pods, table.runs(), table.others, tuple(table.warnings))

    def there(self) -> Iterator[Pod]:
        """Yield the pods that are not gone."""
        return (pod for pod in self.pods.values() if pod.deleted is None)

    def last_run(self, pod: Pod) -> Run | None:
        """Return the current run of the pod's worker, or the one that it waits for."""
        runs = {worker.run: run for worker, run in self.runs.items() if worker.pod == pod.uid}
        return runs[max(runs)] if runs else None


def not_running(seen: ClusterState) -> Obstacle | None:
    """Return the obstacle that keeps all workers from running, if any."""
    return next(_obstacles(seen), None)


def _obstacles(seen: ClusterState) -> Iterator[Obstacle]:
    if seen.job.suspended is not None:
        yield Obstacle(
            "the Job is suspended: nothing will start it",
            "set spec.suspend to false, and see that no queue controller sets it",
            (seen.job.suspended,),
            _SHORT_PATIENCE,
        )
    for pod in seen.there():
        yield from _container_obstacles(seen, pod)
        if pod.why and pod.since and pod.phase not in _FINISHED_PHASES:
            hints = (hint for sign, hint in _SCHEDULER_HINTS if sign in pod.why)
            yield Obstacle(
                f"pod {pod.name} waits for a node: {clean(pod.why)}",
                next(hints, f"change what {_POD} asks of a node"),
                (pod.since,),
                _LONG_PATIENCE,
            )
    yield from _warning_obstacles(seen)
    yield from _memory_obstacles(seen)


def _container_obstacles(seen: ClusterState, pod: Pod) -> Iterator[Obstacle]:
    for other in seen.others.values():
        if other.seen.pod == pod.uid and other.seen.kind != "beside":
            yield from _init_container_obstacles(pod, other)
    run = seen.last_run(pod)
    if run is None:
        return
    event_ref = run.ended or run.waiting
    if event_ref is None:
        return
    details = ": ".join(filter(None, (run.reason, clean(run.why))))
    if run.reason in _IMAGE_ERRORS:
        todo = "see that the image is on this machine, or can be pulled"
        yield Obstacle(f"the worker's image cannot be had: {details}", todo, (event_ref,))
    elif run.reason in _CONFIG_ERRORS:
        todo = f"give what it refers to with --manifests, or change {_POD}.containers[]"
        yield Obstacle(f"the worker's container cannot be created: {details}", todo, (event_ref,))
    elif run.reason in _START_ERRORS:
        memory = "memory" in run.why or "OOM" in run.why
        todo = f"raise {_POD}.containers[].resources.limits.memory"
        if not memory:
            todo = f"see that {_POD}.containers[].command is in the image and can be run"
        yield Obstacle(f"the worker's container cannot start: {details}", todo, (event_ref,))


def _init_container_obstacles(pod: Pod, other: Other) -> Iterator[Obstacle]:
    """Yield the failure of an init container: the worker never starts."""
    container = other.seen
    name = f"init container {container.container!r} of pod {pod.name}"
    todo = f"change {_POD}.initContainers ({container.container})"
    output = f"; it wrote: {shown(other.line, 200)}" if other.line else ""
    details = ": ".join(filter(None, (container.reason, clean(container.why))))
    if container.state == "waiting" and container.reason in (*_IMAGE_ERRORS, *_CONFIG_ERRORS):
        yield Obstacle(f"{name} cannot be started: {details}", todo, (other.ref,))
    elif container.state == "waiting" and container.reason == _CRASH_LOOP:
        text = f"{name} fails again and again, so the worker never starts{output}"
        yield Obstacle(text, todo, (other.ref,))
    elif container.state == "terminated" and container.exit_code and pod.phase == "Failed":
        text = f"{name} exited with {container.exit_code}, so the worker never starts{output}"
        yield Obstacle(text, todo, (other.ref,))


def _warning_obstacles(seen: ClusterState) -> Iterator[Obstacle]:
    started = any(run.running for run in seen.runs.values())
    for warned in seen.warnings:
        warning, details = warned.seen, clean(warned.seen.why)
        if warning.reason == "FailedCreate" and not seen.pods:
            todo = f"change what it names in {_POD}"
            if "quota" in warning.why:
                todo = f"raise the quota, or lower {_POD}.containers[].resources"
            yield Obstacle(
                f"no pod of the Job can be created: {details}", todo, (warned.ref,), _SHORT_PATIENCE
            )
        elif warning.reason in ("FailedMount", "FailedAttachVolume") and not started:
            yield Obstacle(
                f"{warning.about} does not get its volumes: {details}",
                f"give what they need with --manifests, or change {_POD}.volumes",
                (warned.ref,),
                _LONG_PATIENCE,
            )


def _memory_obstacles(seen: ClusterState) -> Iterator[Obstacle]:
    kills = [run.ended for run in seen.runs.values() if run.reason == _OOM and run.ended]
    if len(kills) >= _MIN_OOM_KILLS:
        yield Obstacle(
            f"the worker was OOMKilled {len(kills)} times: its limit of memory is too low",
            f"raise {_POD}.containers[].resources.limits.memory",
            tuple(kills[:_MIN_OOM_KILLS]),
        )


def held_open(seen: ClusterState) -> Obstacle | None:
    """Return the container that keeps a pod open after its worker has exited, if any."""
    for (uid, name), other in seen.others.items():
        pod = seen.pods.get(uid)
        if (
            pod is None
            or pod.deleted
            or pod.phase in _FINISHED_PHASES
            or other.seen.kind != "beside"
        ):
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
