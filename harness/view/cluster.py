"""The Job, its pods, and the runs of their containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from harness.history import (
    ContainerSeen,
    Event,
    JobDeleted,
    JobSeen,
    LogEnded,
    NeighbourSeen,
    PodSeen,
    Worker,
)
from harness.view.marks import Mark, mark


class Pod(msgspec.Struct, frozen=True):
    """A pod; `version` is the resource version with which it was first seen."""

    uid: str
    name: str
    added: Mark
    version: int
    #: From when on it was about to be deleted.
    leaving: Mark | None = None
    deleted: Mark | None = None
    #: Empty where nobody ever knew it.
    address: str = ""


class Neighbour(msgspec.Struct, frozen=True):
    """A pod of another Job."""

    name: str
    seen: Mark


class Run(msgspec.Struct, frozen=True):
    """One run of a container, as the cluster tells it; `finished` is a whole second, or None."""

    running: Mark | None = None
    #: Terminated, or gone without its exit having been seen (then there is no exit code).
    ended: Mark | None = None
    version: int = 0
    exit_code: int | None = None
    signal: int | None = None
    finished: float | None = None
    #: The second in which it began; None when it did not, or nobody has said.
    started: float | None = None
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
    complete: Mark | None = None
    failed: Mark | None = None
    #: Pods that have succeeded, as it was last seen.
    succeeded: int = 0
    last: Mark | None = None
    #: The resource version with which the first success was seen to be counted.
    counted: int | None = None

    @property
    def over(self) -> Mark | None:
        return self.complete or self.failed


class Deletion(msgspec.Struct, frozen=True):
    """The Job was deleted, and what was left of it."""

    mark: Mark
    seen: JobDeleted


class ClusterTable:
    """Takes in what the watches of pods and Job have shown."""

    def __init__(self) -> None:
        self.job = Job()
        self.pods: dict[str, Pod] = {}
        #: Pods of another Job, by their addresses.
        self.neighbours: dict[str, Neighbour] = {}
        self.deletions: list[Deletion] = []
        self._runs: dict[Worker, Run] = {}
        # Any: each handler takes the one kind that stands beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            PodSeen: self._pod,
            NeighbourSeen: self._neighbour,
            ContainerSeen: self._container,
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
            pod = Pod(what.pod, what.name, mark(event), what.resource_version)
        if what.deleting and pod.leaving is None:
            pod = msgspec.structs.replace(pod, leaving=mark(event))
        if what.change == "deleted" and pod.deleted is None:
            pod = msgspec.structs.replace(pod, deleted=mark(event))
        if what.address:
            pod = msgspec.structs.replace(pod, address=what.address)
        self.pods[what.pod] = pod

    def _neighbour(self, event: Event, what: NeighbourSeen) -> None:
        self.neighbours[what.address] = Neighbour(what.name, mark(event))

    def _container(self, event: Event, what: ContainerSeen) -> None:
        run = self._runs.get(what.worker) or Run()
        if what.started is not None:
            run = msgspec.structs.replace(run, started=what.started)
        if what.state == "running" and run.running is None:
            run = msgspec.structs.replace(run, running=mark(event))
        elif what.state == "terminated" and run.ended is None:
            run = msgspec.structs.replace(
                run,
                ended=mark(event),
                version=what.resource_version,
                exit_code=what.exit_code,
                signal=what.signal,
                finished=what.finished,
            )
        self._runs[what.worker] = run

    def _log(self, event: Event, what: LogEnded) -> None:
        run = self._runs.get(what.worker) or Run()
        self._runs[what.worker] = msgspec.structs.replace(run, log_whole=what.whole)

    def _deleted(self, event: Event, what: JobDeleted) -> None:
        self.deletions.append(Deletion(mark(event), what))

    def _job(self, event: Event, what: JobSeen) -> None:
        true = {one.type for one in what.conditions if one.status == "True"}
        job, now = self.job, mark(event)
        self.job = Job(
            what.completions,
            what.parallelism,
            True,
            job.complete or (now if "Complete" in true else None),
            job.failed or (now if "Failed" in true else None),
            what.succeeded,
            now,
            job.counted or (what.resource_version if what.succeeded else None),
        )
