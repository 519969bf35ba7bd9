"""Records a Job as events: each change, in the order of its resource versions."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator

from harness.core.errors import InfrastructureError
from harness.engine.observers.recorder import Recorder
from harness.history import Condition, JobSeen
from harness.infra.kube import Job, Lines, Namespace

#: Seconds after which one watch request ends.
_WATCH_TIMEOUT = 300
#: Seconds between two attempts after an error.
_PAUSE = 1.0
_JOIN_TIMEOUT = 10.0


class JobWatcher:
    """Records the changes of the Job `name`, from `start` to `stop`."""

    def __init__(self, namespace: Namespace, name: str, recording: Recorder) -> None:
        self._namespace, self._name, self._recorder = namespace, name, recording
        self._stopping = threading.Event()
        self._stream: Lines | None = None
        self._last_version = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._stream is not None:
            self._stream.close()
        self._thread.join(_JOIN_TIMEOUT)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                job = self._namespace.job(self._name)
                self._record_if_newer(job)
                self._stream = self._namespace.watch_job(
                    self._name, str(job.version), _WATCH_TIMEOUT
                )
                if self._stopping.is_set():
                    self._stream.close()
                for line in self._stream:
                    change = json.loads(line)
                    if change["type"] in ("ERROR", "DELETED"):
                        break
                    self._record_if_newer(Job.of(change["object"]))
            except (InfrastructureError, ValueError):
                # No such Job (yet, or any more), or a stream that broke, perhaps in the middle of a
                # line: the next query shows.
                pass
            self._stopping.wait(_PAUSE)

    def _record_if_newer(self, job: Job) -> None:
        if job.version <= self._last_version:
            return
        self._last_version = job.version
        self._recorder.record(
            "job",
            JobSeen(
                job.name,
                job.version,
                job.parallelism,
                job.completions,
                job.active,
                job.succeeded,
                job.failed,
                tuple(Condition(*condition) for condition in job.conditions),
                job.suspended,
            ),
        )


@contextlib.contextmanager
def watching(namespace: Namespace, name: str, recording: Recorder) -> Iterator[JobWatcher]:
    """Watch a Job for as long as the block lasts."""
    watcher = JobWatcher(namespace, name, recording)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()
