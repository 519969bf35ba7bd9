"""The Job, its pods, the runs of their containers, and what the cluster warned about."""

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
    """A pod; `version` is the resource version with which it was first seen."""

    uid: str
    name: str
    added: EventRef
    version: int
    #: From when on it was about to be deleted.
    leaving: EventRef | None = None
    deleted: EventRef | None = None
    #: Empty where nobody ever knew it.
    address: str = ""
    #: Its phase as it was last seen; and why it waits for a node, or has failed (or empty).
    phase: str = ""
    why: str = ""
    #: Since when it waits, or has failed, for that reason.
    since: EventRef | None = None


class Other(msgspec.Struct, frozen=True):
    """A container beside the worker, in its last run; as `OtherContainerSeen`."""

    seen: OtherContainerSeen
    ref: EventRef
    #: The last line that was recorded of it.
    line: Payload | None = None


class Warned(msgspec.Struct, frozen=True):
    """A warning of the cluster about the Job or a pod of it."""

    seen: WarningSeen
    ref: EventRef


class Neighbour(msgspec.Struct, frozen=True):
    """A pod of another Job."""

    name: str
    seen: EventRef


class Run(msgspec.Struct, frozen=True):
    """One run of a container, as the cluster tells it; `finished` is a whole second, or None."""

    running: EventRef | None = None
    #: Terminated, or gone without its exit having been seen (then there is no exit code).
    ended: EventRef | None = None
    version: int = 0
    exit_code: int | None = None
    signal: int | None = None
    finished: float | None = None
    #: The very moment, where its node has told it.
    exited: float | None = None
    #: The second in which it began; None when it did not, or nobody has said.
    started: float | None = None
    #: Why it waits or has ended, as the cluster names it and in its words: OOMKilled.
    reason: str = ""
    why: str = ""
    waiting: EventRef | None = None
    #: False when lines of its log are missing.
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
    #: Why it has ended, as the controller names it and in its words: DeadlineExceeded.
    reason: str = ""
    why: str = ""
    #: Since when nothing will start it.
    suspended: EventRef | None = None
    #: Pods that have succeeded, as it was last seen.
    succeeded: int = 0
    last: EventRef | None = None
    #: The resource version with which the first success was seen to be counted.
    counted: int | None = None

    @property
    def over(self) -> EventRef | None:
        return self.complete or self.failed


class Deletion(msgspec.Struct, frozen=True):
    """The Job was deleted, and what was left of it."""

    ref: EventRef
    seen: JobDeleted


class ClusterTable:
    """Takes in what the watches of pods and Job have shown."""

    def __init__(self) -> None:
        self.job = Job()
        self.pods: dict[str, Pod] = {}
        #: Pods of another Job, by their addresses.
        self.neighbours: dict[str, Neighbour] = {}
        self.deletions: list[Deletion] = []
        #: Containers beside the worker, by their pod and name.
        self.others: dict[tuple[str, str], Other] = {}
        self.warnings: list[Warned] = []
        self._runs: dict[Worker, Run] = {}
        # Any: each handler takes the one kind that stands beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            PodSeen: self._pod,
            NeighbourSeen: self._neighbour,
            ContainerSeen: self._container,
            ContainerExited: self._exited,
            OtherContainerSeen: self._other,
            OtherLogLine: self._line,
            WarningSeen: self._warning,
            JobSeen: self._job,
            JobDeleted: self._deleted,
            LogEnded: self._log,
        }

    def runs(self) -> dict[Worker, Run]:
        """All runs; one whose pod is gone, or that has a successor, is over, too."""
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
        before = self.others.get((what.pod, what.container))
        if before is None or what.run >= before.seen.run:
            line = before.line if before else None
            self.others[what.pod, what.container] = Other(what, ref(event), line)

    def _line(self, event: Event, what: OtherLogLine) -> None:  # as all handlers
        if other := self.others.get((what.pod, what.container)):
            changed = msgspec.structs.replace(other, line=what.text)
            self.others[what.pod, what.container] = changed

    def _warning(self, event: Event, what: WarningSeen) -> None:
        self.warnings.append(Warned(what, ref(event)))

    def _log(self, event: Event, what: LogEnded) -> None:
        run = self._runs.get(what.worker) or Run()
        self._runs[what.worker] = msgspec.structs.replace(run, log_whole=what.whole)

    def _deleted(self, event: Event, what: JobDeleted) -> None:
        self.deletions.append(Deletion(ref(event), what))

    def _job(self, event: Event, what: JobSeen) -> None:
        true = {one.type: one for one in what.conditions if one.status == "True"}
        job, now = self.job, ref(event)
        end = true.get("Complete") or true.get("Failed")
        suspended = what.suspended or "Suspended" in true
        self.job = Job(
            what.completions,
            what.parallelism,
            True,
            job.complete or (now if "Complete" in true else None),
            job.failed or (now if "Failed" in true else None),
            job.reason or (end.reason if end else ""),
            job.why or (end.message if end else ""),
            (job.suspended or now) if suspended else None,
            what.succeeded,
            now,
            job.counted or (what.resource_version if what.succeeded else None),
        )
