"""Pods, their containers, their logs, and the Job."""

from __future__ import annotations

from typing import Literal

from harness.history.base import Count, Record, Worker
from harness.history.payload import Payload


class PodSeen(Record, frozen=True, tag="pod_seen"):
    """A pod of the Job, as one change of it showed it."""

    change: Literal["added", "modified", "deleted"]
    pod: str
    name: str
    phase: str
    resource_version: int
    node: str = ""
    address: str = ""
    #: It has been asked to end.
    deleting: bool = False
    #: Why it waits for a node, or has failed, in the cluster's words; empty where it does neither.
    why: str = ""


class NeighbourSeen(Record, frozen=True, tag="neighbour_seen"):
    """A pod of another Job, whose queue has a similar name; `address` is the pod's."""

    pod: str
    name: str
    address: str


class ContainerSeen(Record, frozen=True, tag="container_seen"):
    """The state of a worker's container; the moments are the kubelet's, in whole seconds."""

    worker: Worker
    state: Literal["waiting", "running", "terminated"]
    resource_version: int
    node: str = ""
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started: float | None = None
    finished: float | None = None
    #: The reason in the kubelet's or the runtime's words.
    why: str = ""


class ContainerExited(Record, frozen=True, tag="container_exited"):
    """The moment of a worker's exit, as its node's container runtime has it."""

    worker: Worker
    at: float


class OtherContainerSeen(Record, frozen=True, tag="other_container_seen"):
    """The state of a container of the Job's pod that is not the worker's.

    `beside`: an ordinary one, which has to end before the pod does. `init`: before the others.
    `sidecar`: an init container that goes on, and that the pod does not wait for.
    """

    pod: str
    container: str
    kind: Literal["beside", "init", "sidecar"]
    run: Count
    state: Literal["waiting", "running", "terminated"]
    reason: str = ""
    exit_code: int | None = None
    why: str = ""


class OtherLogLine(Record, frozen=True, tag="other_log_line"):
    """A line that a container beside the worker wrote; only the first ones of each run."""

    pod: str
    container: str
    text: Payload
    at: float


class WarningSeen(Record, frozen=True, tag="warning_seen"):
    """A warning of the cluster about the Job or a pod of it: `about` is as Pod/NAME."""

    about: str
    reason: str
    why: str


class Condition(Record, frozen=True):
    """One condition of a Job, as the controller words it."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class JobSeen(Record, frozen=True, tag="job_seen"):
    """The Job, as one change of it showed it; the counts are of pods."""

    name: str
    resource_version: int
    parallelism: Count
    completions: Count | None
    active: Count
    succeeded: Count
    failed: Count
    conditions: tuple[Condition, ...] = ()
    #: Its manifest, or whoever changed that, lets no pod start.
    suspended: bool = False


class JobDeleted(Record, frozen=True, tag="job_deleted"):
    """The Job was deleted; this is what was left of it when its pods had had the time to end.

    `keys` are what its workers have left in the broker; None where work was left, too, which they
    may be for.
    """

    name: str
    #: The Job and its pods, as far as they are still there.
    objects: tuple[str, ...] = ()
    keys: tuple[str, ...] | None = None


class LogLine(Record, frozen=True, tag="log_line"):
    """A line that a worker wrote; `at` is when the kubelet got it. `cut`: it was longer."""

    worker: Worker
    text: Payload
    at: float
    cut: bool = False


class LogCaughtUp(Record, frozen=True, tag="log_caught_up"):
    """All that a worker has written up to the moment `at` stands above."""

    worker: Worker
    at: float


class LogEnded(Record, frozen=True, tag="log_ended"):
    """There will be no more lines of this worker; `whole` says that none are missing."""

    worker: Worker
    whole: bool
    why: str = ""
