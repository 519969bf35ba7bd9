"""A Job's pods as events: their states, and what their workers write."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import datetime

from harness import credentials
from harness.credentials import Hide
from harness.history import (
    ContainerSeen,
    ItemDone,
    ItemStarted,
    LogEnded,
    LogLine,
    PodSeen,
    WorkDigested,
    Worker,
    payload,
)
from harness.kube import Container, Pod
from harness.kube.records import State
from harness.loglines import LineReader
from harness.observe.listener import Change, Run
from harness.observe.owners import Owners
from harness.observe.recording import Recording
from harness.worker import DIGEST

#: Lines of one run that are recorded although no pattern fits them.
_PLAIN = 200
_LONGEST = 4096


class Workers:
    """Listens to a follower, and records what it tells of a Job's pods (`container` of each)."""

    def __init__(
        self,
        recording: Recording,
        owners: Owners,
        job: str,
        items: Sequence[bytes],
        *,
        container: str = "",
        patterns: tuple[str, str, str] = ("", "", DIGEST),
        hide: Hide = credentials.text,
    ) -> None:
        self._recording, self._owners = recording, owners
        self._job, self._container, self._hide = job, container, hide
        start, done, digest = patterns
        self._lines, self._digest = LineReader(items, start, done), re.compile(digest)
        self._lock = threading.Lock()
        self._uids: dict[str, str] = {}
        self._states: dict[Worker, State] = {}
        #: Those whose address was known.
        self._placed: set[Worker] = set()
        self._plain: dict[Run, int] = {}
        #: What has been read of each run, by the kubelet's moment of its last line.
        self.read: dict[Run, str] = {}

    def wanted(self, pod: Pod, container: str) -> bool:
        """Whether this container is the worker of a pod of the Job."""
        mine = pod.labels.get("batch.kubernetes.io/job-name") == self._job
        return mine and (not self._container or container == self._container)

    # -- what the follower tells ----------------------------------------------------------------

    def pod(self, change: Change, pod: Pod) -> None:
        if pod.labels.get("batch.kubernetes.io/job-name") != self._job:
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
                ),
            )
            for one in pod.containers:
                if self.wanted(pod, one.name):
                    self._container_seen(pod, one)

    def line(self, run: Run, line: str) -> None:
        stamp, _, text = line.partition(" ")
        at = datetime.fromisoformat(stamp).timestamp() - self._recording.epoch
        worker = Worker(self._uids.get(run.pod, run.pod), run.number)
        self._owners.alive(worker, at)
        said, digest = self._lines.read(text), self._digest.search(text)
        self.read[run] = stamp
        with self._lock:
            plain = self._plain[run] = self._plain.get(run, 0) + 1
        if not (said or digest) and plain > _PLAIN:
            return
        cut = len(text) > _LONGEST
        wrote = LogLine(worker, payload(self._kept(text).encode()), at, cut)
        event = self._recording.record("logs", wrote)
        if event is not None and said:
            kind = ItemStarted if said.kind == "start" else ItemDone
            self._recording.record("logs", kind(said.item, worker, event.id, at, said.form))
        elif event is not None and digest:
            told = WorkDigested(digest["sha256"].lower(), worker, event.id, at)
            self._recording.record("logs", told)

    def ended(self, run: Run, why: str) -> None:
        worker = Worker(self._uids.get(run.pod, run.pod), run.number)
        self._recording.record("logs", LogEnded(worker, not why, why))

    def missed(self, what: str) -> None:
        self._recording.gap("logs", what)

    # -- how --------------------------------------------------------------------------------------

    def _container_seen(self, pod: Pod, one: Container) -> None:
        runs = [(one.restarts, one.now)]
        if one.last is not None and one.now.name == "waiting":
            # Only runs that were started are counted: the last of them has ended, the next waits.
            runs = [(one.restarts, one.last), (one.restarts + 1, one.now)]
        elif one.last is not None and one.restarts > 0:
            runs.insert(0, (one.restarts - 1, one.last))
        for run, state in runs:
            worker = Worker(pod.uid, run)
            if self._states.get(worker) == state:
                # Its address may be known only now: a short run is over before that.
                if pod.address and worker not in self._placed:
                    self._place(pod, worker, state)
                continue
            self._states[worker] = state
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
