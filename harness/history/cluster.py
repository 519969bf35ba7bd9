"""Pods, their containers, their logs, and the Job."""

from __future__ import annotations

from typing import Literal

from harness.history.base import Count, Record, Worker
from harness.history.payload import Payload


class PodSeen(Record, frozen=True, tag="pod_seen"):
    """The state of a pod of the Job after one change."""

    change: Literal["added", "modified", "deleted"]
    #: The pod's uid.
    pod: str
    name: str
    phase: str
    resource_version: int
    node: str = ""
    #: The pod's IP address.
    address: str = ""
    #: The cluster has asked the pod to end.
    deleting: bool = False
    #: The cluster's reason why the pod waits for a node or failed; empty where it does neither.
    why: str = ""


class NeighbourSeen(Record, frozen=True, tag="neighbour_seen"):
    """A pod of another Job whose queue has a similar name."""

    #: The pod's uid.
    pod: str
    name: str
    #: The pod's IP address.
    address: str


class ContainerSeen(Record, frozen=True, tag="container_seen"):
    """The state of a worker's container, as the kubelet reports it."""

    worker: Worker
    state: Literal["waiting", "running", "terminated"]
    resource_version: int
    node: str = ""
    reason: str = ""
    exit_code: int | None = None
    #: Number of the signal that ended the container, where the runtime reports one.
    signal: int | None = None
    #: Seconds since the start of the run, by the kubelet's clock, in whole seconds of that clock.
    started: float | None = None
    #: Seconds since the start of the run, by the kubelet's clock, in whole seconds of that clock.
    finished: float | None = None
    #: The reason in the words of the kubelet or the runtime.
    why: str = ""


class ContainerExited(Record, frozen=True, tag="container_exited"):
    """The exact moment of a worker's exit, as the container runtime of its node recorded it."""

    worker: Worker
    #: Seconds since the start of the run, by the clock of the worker's node.
    at: float


class OtherContainerSeen(Record, frozen=True, tag="other_container_seen"):
    """The state of a container of the Job's pod that is not the worker's.

    `kind` is `beside` for an ordinary container, which has to end before the pod does, `init` for
    one that runs before the others, and `sidecar` for an init container that keeps running, for
    which the pod does not wait.
    """

    #: The pod's uid.
    pod: str
    container: str
    kind: Literal["beside", "init", "sidecar"]
    #: Number of restarts of the container before this run.
    run: Count
    state: Literal["waiting", "running", "terminated"]
    reason: str = ""
    exit_code: int | None = None
    why: str = ""


class OtherLogLine(Record, frozen=True, tag="other_log_line"):
    """A log line of a container next to the worker; only the first ones of each run."""

    #: The pod's uid.
    pod: str
    container: str
    text: Payload
    #: Seconds since the start of the run, by the kubelet's clock.
    at: float


class WarningSeen(Record, frozen=True, tag="warning_seen"):
    """A warning event of the cluster about the Job or one of its pods."""

    #: The object, as Pod/NAME.
    about: str
    reason: str
    why: str


class Condition(Record, frozen=True):
    """One condition of a Job, as the Job controller reports it."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class JobSeen(Record, frozen=True, tag="job_seen"):
    """The state of the Job after one change; `active`, `succeeded` and `failed` count pods."""

    name: str
    resource_version: int
    parallelism: Count
    completions: Count | None
    active: Count
    succeeded: Count
    failed: Count
    conditions: tuple[Condition, ...] = ()
    #: The Job starts no pods, because of its manifest or of a later change.
    suspended: bool = False


class JobDeleted(Record, frozen=True, tag="job_deleted"):
    """The deletion of the Job, and the remaining objects after its pods had time to end."""

    name: str
    #: The Job and its pods, as far as they still exist.
    objects: tuple[str, ...] = ()
    #: Keys that the workers left in the broker. None where work remained, too: the keys may belong
    #: to it.
    keys: tuple[str, ...] | None = None


class LogLine(Record, frozen=True, tag="log_line"):
    """A log line of a worker."""

    worker: Worker
    text: Payload
    #: When the kubelet got it: seconds since the start of the run, by the kubelet's clock.
    at: float
    #: The line was longer; the rest is not recorded.
    cut: bool = False


class LogCaughtUp(Record, frozen=True, tag="log_caught_up"):
    """All log lines that a worker wrote until the moment `at` are recorded before this event."""

    worker: Worker
    #: Seconds since the start of the run, by the harness clock.
    at: float


class LogEnded(Record, frozen=True, tag="log_ended"):
    """No more log lines of this worker follow."""

    worker: Worker
    #: No lines are missing.
    whole: bool
    why: str = ""
