"""The Job, its pods, their container runs, and warnings of the cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from harness.checks.model.event_ref import EventRef, ref
from harness.history import (
    ContainerExited,
    ContainerSeen,
    Event,
    JobDeleted,
    JobSeen,
    LogEnded,
    NeighbourSeen,
    OtherContainerSeen,
    OtherLogLine,
    Payload,
    PodSeen,
    WarningSeen,
    Worker,
)


class Pod(msgspec.Struct, frozen=True):
    """A pod; `version` is the resource version at its first sight."""

    uid: str
    name: str
    added: EventRef
    version: int
    #: Since when it is about to be deleted.
    leaving: EventRef | None = None
    deleted: EventRef | None = None
    #: Its IP address; empty if never known.
    address: str = ""
    #: Its last observed phase; `why` it waits for a node, or failed (or empty).
    phase: str = ""
    why: str = ""
    #: Since when it waits, or has failed, for that reason.
    since: EventRef | None = None


class Other(msgspec.Struct, frozen=True):
    """A container next to the worker, in its last run; as in `OtherContainerSeen`."""

    seen: OtherContainerSeen
    ref: EventRef
    #: Its last recorded log line.
    line: Payload | None = None


class Warned(msgspec.Struct, frozen=True):
    """A warning of the cluster about the Job or one of its pods."""

    seen: WarningSeen
    ref: EventRef


class Neighbour(msgspec.Struct, frozen=True):
    """A pod of another Job."""

    name: str
    seen: EventRef


class Run(msgspec.Struct, frozen=True):
    """One run of a container, as the cluster reports it; `finished` is in full seconds."""

    running: EventRef | None = None
    #: Terminated, or gone while no observer saw its exit (then there is no exit code).
    ended: EventRef | None = None
    version: int = 0
    exit_code: int | None = None
    signal: int | None = None
    finished: float | None = None
    #: The exact time of the exit, if its node reported it.
    exited: float | None = None
    #: The second in which it began; None if it did not, or if that is unknown.
    started: float | None = None
    #: Why it waits or ended: the cluster's reason, such as OOMKilled, and its message.
    reason: str = ""
    why: str = ""
    waiting: EventRef | None = None
    #: False if lines of its log are missing.
    log_whole: bool = True

    @property
    def finished_by(self) -> float | None:
        """The end of the second in which it finished."""
        return None if self.finished is None else self.finished + 1


class Job(msgspec.Struct, frozen=True):
    """The Job: its shape, and how it ended."""

    completions: int | None = None
    parallelism: int = 1
    seen: bool = False
    complete: EventRef | None = None
    failed: EventRef | None = None
    #: Why it ended: the controller's reason, such as DeadlineExceeded, and its message.
    reason: str = ""
    why: str = ""
    #: Since when it is suspended, so that nothing starts it.
    suspended: EventRef | None = None
    #: Number of succeeded pods, as last observed.
    succeeded: int = 0
    last: EventRef | None = None
    #: The resource version in which a success was first counted.
    counted: int | None = None

    @property
    def over(self) -> EventRef | None:
        return self.complete or self.failed


class Deletion(msgspec.Struct, frozen=True):
    """The deletion of the Job, and what remained of it."""

    ref: EventRef
    seen: JobDeleted


class ClusterTable:
    """Collects what the watches of pods and Job observed."""

    def __init__(self) -> None:
        self.job = Job()
        self.pods: dict[str, Pod] = {}
        #: Pods of another Job, by their addresses.
        self.neighbours: dict[str, Neighbour] = {}
        self.deletions: list[Deletion] = []
        #: Containers next to the worker, by their pod and name.
        self.others: dict[tuple[str, str], Other] = {}
        self.warnings: list[Warned] = []
        self._runs: dict[Worker, Run] = {}
        # Any: each handler takes the one type in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            PodSeen: self._pod,
            NeighbourSeen: self._neighbour,
            ContainerSeen: self._container,
            ContainerExited: self._exited,
            OtherContainerSeen: self._other,
            OtherLogLine: self._other_line,
            WarningSeen: self._warning,
            JobSeen: self._job,
            JobDeleted: self._deleted,
            LogEnded: self._log_ended,
        }

    def runs(self) -> dict[Worker, Run]:
        """Return all runs; a run has also ended if its pod is gone or it has a successor."""
        successor = {Worker(worker.pod, worker.run - 1): run for worker, run in self._runs.items()}
        return {
            worker: self._closed(worker, run, successor.get(worker))
            for worker, run in self._runs.items()
        }

    def _closed(self, worker: Worker, run: Run, next_run: Run | None) -> Run:
        if run.ended is not None:
            return run
        pod = self.pods.get(worker.pod)
        ended = (pod and pod.deleted) or (next_run and (next_run.running or next_run.ended))
        return msgspec.structs.replace(run, ended=ended or None)

    def _pod(self, event: Event, what: PodSeen) -> None:
        pod = self.pods.get(what.pod)
        if pod is None:
            pod = Pod(what.pod, what.name, ref(event), what.resource_version)
        if what.deleting and pod.leaving is None:
            pod = msgspec.structs.replace(pod, leaving=ref(event))
        if what.change == "deleted" and pod.deleted is None:
            pod = msgspec.structs.replace(pod, deleted=ref(event))
        if what.address:
            pod = msgspec.structs.replace(pod, address=what.address)
        if what.why != pod.why:
            pod = msgspec.structs.replace(pod, since=ref(event), why=what.why)
        pod = msgspec.structs.replace(pod, phase=what.phase)
        self.pods[what.pod] = pod

    def _neighbour(self, event: Event, what: NeighbourSeen) -> None:
        self.neighbours[what.address] = Neighbour(what.name, ref(event))

    def _container(self, event: Event, what: ContainerSeen) -> None:
        run = self._runs.get(what.worker) or Run()
        if what.started is not None:
            run = msgspec.structs.replace(run, started=what.started)
        if what.state == "running" and run.running is None:
            run = msgspec.structs.replace(run, running=ref(event), reason="", why="")
        elif what.state == "terminated" and run.ended is None:
            run = msgspec.structs.replace(
                run,
                ended=ref(event),
                version=what.resource_version,
                exit_code=what.exit_code,
                signal=what.signal,
                finished=what.finished,
                reason=what.reason,
                why=what.why,
            )
        elif what.state == "waiting" and run.running is None and run.ended is None:
            run = msgspec.structs.replace(run, waiting=ref(event), reason=what.reason, why=what.why)
        self._runs[what.worker] = run

    def _exited(self, _: Event, what: ContainerExited) -> None:
        run = self._runs.get(what.worker) or Run()
        self._runs[what.worker] = msgspec.structs.replace(run, exited=what.at)

    def _other(self, event: Event, what: OtherContainerSeen) -> None:
        previous = self.others.get((what.pod, what.container))
        if previous is None or what.run >= previous.seen.run:
            line = previous.line if previous else None
            self.others[what.pod, what.container] = Other(what, ref(event), line)

    def _other_line(self, event: Event, what: OtherLogLine) -> None:  # as all handlers
        if other := self.others.get((what.pod, what.container)):
            changed = msgspec.structs.replace(other, line=what.text)
            self.others[what.pod, what.container] = changed

    def _warning(self, event: Event, what: WarningSeen) -> None:
        self.warnings.append(Warned(what, ref(event)))

    def _log_ended(self, event: Event, what: LogEnded) -> None:
        run = self._runs.get(what.worker) or Run()
        self._runs[what.worker] = msgspec.structs.replace(run, log_whole=what.whole)

    def _deleted(self, event: Event, what: JobDeleted) -> None:
        self.deletions.append(Deletion(ref(event), what))

    def _job(self, event: Event, what: JobSeen) -> None:
        conditions = {
            condition.type: condition for condition in what.conditions if condition.status == "True"
        }
        job, now = self.job, ref(event)
        end = conditions.get("Complete") or conditions.get("Failed")
        suspended = what.suspended or "Suspended" in conditions
        self.job = Job(
            what.completions,
            what.parallelism,
            True,
            job.complete or (now if "Complete" in conditions else None),
            job.failed or (now if "Failed" in conditions else None),
            job.reason or (end.reason if end else ""),
            job.why or (end.message if end else ""),
            (job.suspended or now) if suspended else None,
            what.succeeded,
            now,
            job.counted or (what.resource_version if what.succeeded else None),
        )
