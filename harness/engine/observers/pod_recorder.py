"""A Job's pods as events: their states, and what their workers write."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import datetime

from harness.core import masking
from harness.core.masking import Masker
from harness.engine.observers.connection_owners import ConnectionOwners
from harness.engine.observers.log_listener import Change, ContainerRun
from harness.engine.observers.recorder import Recorder
from harness.engine.worker.worker_under_test import DIGEST
from harness.history import (
    ContainerSeen,
    ItemDone,
    ItemStarted,
    LogEnded,
    LogLine,
    OtherContainerSeen,
    OtherLogLine,
    PodSeen,
    WorkDigested,
    Worker,
    payload,
)
from harness.history.log_phrases import Line, LineReader, Statement
from harness.infra.kube import Container, Pod
from harness.infra.kube.objects import State

#: Lines of one run that are recorded although no pattern fits them.
_PLAIN = 200
#: Lines of another container's run that are recorded.
_OTHERS = 20
_LONGEST = 4096


class PodRecorder:
    """Listens to a follower, and records what it tells of a Job's pods (`container` of each)."""

    def __init__(
        self,
        recording: Recorder,
        owners: ConnectionOwners,
        job: str,
        items: Sequence[bytes],
        *,
        container: str = "",
        patterns: tuple[str, str, str] = ("", "", DIGEST),
        begins: str = "",
        hide: Masker = masking.mask,
    ) -> None:
        self._recording, self._owners = recording, owners
        self._job, self._container, self._hide = job, container, hide
        start, done, digest = patterns
        self._lines = LineReader(items, start, done, begins)
        self._digest = re.compile(digest)
        self._lock = threading.Lock()
        self._uids: dict[str, str] = {}
        self._states: dict[Worker, State] = {}
        #: Those whose address was known.
        self._placed: set[Worker] = set()
        self._other_states: dict[tuple[str, str, int], State] = {}
        self._plain: dict[ContainerRun, int] = {}
        #: Workers that have ended, by their nodes and the ids of their containers.
        self.ended_on: dict[str, dict[str, Worker]] = {}
        #: What has been read of each run, by the kubelet's moment of its last line.
        self.read: dict[ContainerRun, str] = {}

    def wanted(self, pod: Pod, container: str) -> bool:  # of all containers
        """Whether this is a pod of the Job."""
        return pod.labels.get("batch.kubernetes.io/job-name") == self._job

    def _is_worker(self, container: str) -> bool:
        return not self._container or container == self._container

    # -- what the follower tells ----------------------------------------------------------------

    def pod(self, change: Change, pod: Pod) -> None:
        if not self.wanted(pod, self._container):
            return
        with self._lock:
            self._uids[pod.name] = pod.uid
            self._recording.record(
                "pods",
                PodSeen(
                    change,
                    pod.uid,
                    pod.name,
                    pod.phase,
                    pod.version,
                    pod.node,
                    pod.address,
                    pod.deleting,
                    f"Unschedulable: {pod.unplaced_why}" if pod.unplaced_since else pod.why,
                ),
            )
            for one in pod.containers:
                if self._is_worker(one.name):
                    self._container_seen(pod, one)
                else:
                    self._other_seen(pod, one)

    def line(self, run: ContainerRun, line: str) -> None:
        stamp, _, text = line.partition(" ")
        at = datetime.fromisoformat(stamp).timestamp() - self._recording.epoch
        if not self._is_worker(run.container):
            self._other_line(run, text, at)
            return
        worker = Worker(self._uids.get(run.pod, run.pod), run.number)
        self._owners.note_alive(worker, at)
        said, digest = self._lines.read(text), self._digest.search(text)
        self.read[run] = stamp
        with self._lock:
            plain = self._plain[run] = self._plain.get(run, 0) + 1
        if not (said or digest) and plain > _PLAIN:
            return
        cut = len(text) > _LONGEST
        wrote = LogLine(worker, payload(self._kept(text).encode()), at, cut)
        event = self._recording.record("logs", wrote)
        if event is None:
            return
        where = Line(worker, event.id, at)
        if said is None:
            self._lines.keep(where, text)
        else:
            self._says(where, said)
        for one, late in self._lines.late():
            self._says(one, late)
        if said is None and digest:
            told = WorkDigested(digest["sha256"].lower(), worker, event.id, at)
            self._recording.record("logs", told)

    def _says(self, line: Line, said: Statement) -> None:
        kind = ItemStarted if said.kind == "start" else ItemDone
        what = kind(said.item, line.worker, line.event, line.at, said.guess)
        self._recording.record("logs", what)

    def ended(self, run: ContainerRun, why: str) -> None:
        if not self._is_worker(run.container):
            return
        worker = Worker(self._uids.get(run.pod, run.pod), run.number)
        self._recording.record("logs", LogEnded(worker, not why, why))

    def missed(self, what: str) -> None:
        self._recording.gap("logs", what)

    # -- how --------------------------------------------------------------------------------------

    def _other_line(self, run: ContainerRun, text: str, at: float) -> None:
        with self._lock:
            lines = self._plain[run] = self._plain.get(run, 0) + 1
        if lines <= _OTHERS:
            pod, kept = self._uids.get(run.pod, run.pod), payload(self._kept(text).encode())
            self._recording.record("logs", OtherLogLine(pod, run.container, kept, at))

    def _other_seen(self, pod: Pod, one: Container) -> None:
        for run, state in _runs(one):
            key = pod.uid, one.name, run
            if self._other_states.get(key) == state:
                continue
            self._other_states[key] = state
            self._recording.record(
                "pods",
                OtherContainerSeen(
                    pod.uid,
                    one.name,
                    one.kind,
                    run,
                    state.name,
                    state.reason,
                    state.exit_code,
                    self._hide(state.why),
                ),
            )

    def _container_seen(self, pod: Pod, one: Container) -> None:
        for run, state in _runs(one):
            worker = Worker(pod.uid, run)
            if self._states.get(worker) == state:
                # Its address may be known only now: a short run is over before that.
                if pod.address and worker not in self._placed:
                    self._place(pod, worker, state)
                continue
            self._states[worker] = state
            if state.container and pod.node:
                self.ended_on.setdefault(pod.node, {})[state.container] = worker
            self._recording.record(
                "pods",
                ContainerSeen(
                    worker,
                    state.name,
                    pod.version,
                    pod.node,
                    state.reason,
                    state.exit_code,
                    state.signal,
                    self._moment(state.started),
                    self._moment(state.finished),
                    self._hide(state.why),
                ),
            )
            self._place(pod, worker, state)

    def _place(self, pod: Pod, worker: Worker, state: State) -> None:
        """Tell whose the connections from its address are."""
        if pod.address:
            self._placed.add(worker)
        began, ended = self._moment(state.started), self._moment(state.finished)
        self._owners.seen(pod.address, worker.pod, worker.run, began, ended)

    def _moment(self, when: datetime | None) -> float | None:
        return None if when is None else when.timestamp() - self._recording.epoch

    def _kept(self, text: str) -> str:
        """As much of a line as is recorded; a secret that is cut in two is still hidden whole."""
        return self._hide(text[: 2 * _LONGEST])[:_LONGEST]


def _runs(one: Container) -> list[tuple[int, State]]:
    """The runs of a container that its state tells of."""
    if one.last is not None and one.now.name == "waiting":
        # Only runs that were started are counted: the last of them has ended, the next waits.
        return [(one.restarts, one.last), (one.restarts + 1, one.now)]
    if one.last is not None and one.restarts > 0:
        return [(one.restarts - 1, one.last), (one.restarts, one.now)]
    return [(one.restarts, one.now)]
