"""Records a Job's pods as events: their states, and the lines that their workers write."""

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

#: The most lines of one run that are recorded although no pattern matches them.
_MAX_LINES = 200
#: The most lines of another container's run that are recorded.
_MAX_OTHER_LINES = 20
_MAX_LENGTH = 4096


class PodRecorder:
    """Records what a log follower sees of a Job's pods; `container` is the worker's in each."""

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
        self._recorder, self._owners = recording, owners
        self._job, self._container, self._hide = job, container, hide
        start, done, digest = patterns
        self._lines = LineReader(items, start, done, begins)
        self._digest = re.compile(digest)
        self._lock = threading.Lock()
        self._uids: dict[str, str] = {}
        self._states: dict[Worker, State] = {}
        #: Workers whose pod's address was known.
        self._with_address: set[Worker] = set()
        self._other_states: dict[tuple[str, str, int], State] = {}
        self._line_counts: dict[ContainerRun, int] = {}
        #: Workers that have exited, by node and then by container id.
        self.ended_on: dict[str, dict[str, Worker]] = {}
        #: How far each run's log has been read: the kubelet's timestamp of its last line.
        self.read: dict[ContainerRun, str] = {}

    def wanted(self, pod: Pod, container: str) -> bool:  # any container
        """Return whether this is a pod of the Job; all of its containers are wanted."""
        return pod.labels.get("batch.kubernetes.io/job-name") == self._job

    def _is_worker(self, container: str) -> bool:
        return not self._container or container == self._container

    # -- calls by the follower -------------------------------------------------------------------

    def pod(self, change: Change, pod: Pod) -> None:
        if not self.wanted(pod, self._container):
            return
        with self._lock:
            self._uids[pod.name] = pod.uid
            self._recorder.record(
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
            for container in pod.containers:
                if self._is_worker(container.name):
                    self._record_container(pod, container)
                else:
                    self._record_other_container(pod, container)

    def line(self, run: ContainerRun, line: str) -> None:
        stamp, _, text = line.partition(" ")
        moment = datetime.fromisoformat(stamp).timestamp() - self._recorder.epoch
        if not self._is_worker(run.container):
            self._record_other_line(run, text, moment)
            return
        worker = Worker(self._uids.get(run.pod, run.pod), run.number)
        self._owners.note_alive(worker, moment)
        statement, digest = self._lines.read(text), self._digest.search(text)
        self.read[run] = stamp
        with self._lock:
            line_count = self._line_counts[run] = self._line_counts.get(run, 0) + 1
        if not (statement or digest) and line_count > _MAX_LINES:
            return
        is_cut = len(text) > _MAX_LENGTH
        log_line = LogLine(worker, payload(self._excerpt(text).encode()), moment, is_cut)
        event = self._recorder.record("logs", log_line)
        if event is None:
            return
        position = Line(worker, event.id, moment)
        if statement is None:
            self._lines.keep(position, text)
        else:
            self._record_statement(position, statement)
        for earlier, later_statement in self._lines.late():
            self._record_statement(earlier, later_statement)
        if statement is None and digest:
            digested = WorkDigested(digest["sha256"].lower(), worker, event.id, moment)
            self._recorder.record("logs", digested)

    def _record_statement(self, line: Line, said: Statement) -> None:
        event_type = ItemStarted if said.kind == "start" else ItemDone
        observation = event_type(said.item, line.worker, line.event, line.at, said.guess)
        self._recorder.record("logs", observation)

    def ended(self, run: ContainerRun, why: str) -> None:
        if not self._is_worker(run.container):
            return
        worker = Worker(self._uids.get(run.pod, run.pod), run.number)
        self._recorder.record("logs", LogEnded(worker, not why, why))

    def missed(self, what: str) -> None:
        self._recorder.gap("logs", what)

    # -- recording -------------------------------------------------------------------------------

    def _record_other_line(self, run: ContainerRun, text: str, at: float) -> None:
        with self._lock:
            lines = self._line_counts[run] = self._line_counts.get(run, 0) + 1
        if lines <= _MAX_OTHER_LINES:
            pod, excerpt = self._uids.get(run.pod, run.pod), payload(self._excerpt(text).encode())
            self._recorder.record("logs", OtherLogLine(pod, run.container, excerpt, at))

    def _record_other_container(self, pod: Pod, one: Container) -> None:
        for run, state in _runs(one):
            key = pod.uid, one.name, run
            if self._other_states.get(key) == state:
                continue
            self._other_states[key] = state
            self._recorder.record(
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

    def _record_container(self, pod: Pod, one: Container) -> None:
        for run, state in _runs(one):
            worker = Worker(pod.uid, run)
            if self._states.get(worker) == state:
                # Its address may be known only now: a short run ends before that.
                if pod.address and worker not in self._with_address:
                    self._record_owner(pod, worker, state)
                continue
            self._states[worker] = state
            if state.container and pod.node:
                self.ended_on.setdefault(pod.node, {})[state.container] = worker
            self._recorder.record(
                "pods",
                ContainerSeen(
                    worker,
                    state.name,
                    pod.version,
                    pod.node,
                    state.reason,
                    state.exit_code,
                    state.signal,
                    self._seconds_of(state.started),
                    self._seconds_of(state.finished),
                    self._hide(state.why),
                ),
            )
            self._record_owner(pod, worker, state)

    def _record_owner(self, pod: Pod, worker: Worker, state: State) -> None:
        """Record the owner of the connections from the pod's address."""
        if pod.address:
            self._with_address.add(worker)
        began, ended = self._seconds_of(state.started), self._seconds_of(state.finished)
        self._owners.seen(pod.address, worker.pod, worker.run, began, ended)

    def _seconds_of(self, when: datetime | None) -> float | None:
        return None if when is None else when.timestamp() - self._recorder.epoch

    def _excerpt(self, text: str) -> str:
        """Return the part of a line to record; a secret that is cut in two is still masked."""
        return self._hide(text[: 2 * _MAX_LENGTH])[:_MAX_LENGTH]


def _runs(one: Container) -> list[tuple[int, State]]:
    """Return the runs of a container that its state reports."""
    if one.last is not None and one.now.name == "waiting":
        # Only started runs are counted: the last of them has exited, the next one waits.
        return [(one.restarts, one.last), (one.restarts + 1, one.now)]
    if one.last is not None and one.restarts > 0:
        return [(one.restarts - 1, one.last), (one.restarts, one.now)]
    return [(one.restarts, one.now)]
