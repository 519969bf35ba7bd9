"""A Job as events: each change of it, in the order of its resource versions."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator

from harness.core.errors import InfrastructureError
from harness.engine.observers.recorder import Recorder
from harness.history import Condition, JobSeen
from harness.infra.kube import Job, Lines, Namespace

#: Seconds for which one watch is asked for.
_WATCH = 300
#: Seconds between two attempts after something broke.
_PAUSE = 1.0
_JOIN = 10.0


class JobWatcher:
    """Records what becomes of the Job `name`, from `start` to `stop`."""

    def __init__(self, namespace: Namespace, name: str, recording: Recorder) -> None:
        self._namespace, self._name, self._recording = namespace, name, recording
        self._over = threading.Event()
        self._stream: Lines | None = None
        self._last = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._stream is not None:
            self._stream.close()
        self._thread.join(_JOIN)

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                seen = self._namespace.job(self._name)
                self._saw(seen)
                self._stream = self._namespace.watch_job(self._name, str(seen.version), _WATCH)
                if self._over.is_set():
                    self._stream.close()
                for line in self._stream:
                    change = json.loads(line)
                    if change["type"] in ("ERROR", "DELETED"):
                        break
                    self._saw(Job.of(change["object"]))
            except (InfrastructureError, ValueError):
                # No such Job (yet, or any more), or a stream that broke, perhaps in the middle of
                # a line: the next look tells.
                pass
            self._over.wait(_PAUSE)

    def _saw(self, job: Job) -> None:
        if job.version <= self._last:
            return
        self._last = job.version
        self._recording.record(
            "job",
            JobSeen(
                job.name,
                job.version,
                job.parallelism,
                job.completions,
                job.active,
                job.succeeded,
                job.failed,
                tuple(Condition(*one) for one in job.conditions),
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
