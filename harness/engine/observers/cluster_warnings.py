"""The cluster's warnings about a Job and its pods: quotas, volumes, images, scheduling."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from harness.core.errors import InfrastructureError
from harness.engine.observers.recorder import Recorder
from harness.history import WarningSeen
from harness.infra.kube import Namespace
from harness.infra.kube.objects import ObjectEvent

#: Seconds between two queries.
_PAUSE = 2.0
_JOIN_TIMEOUT = 10.0


class WarningWatcher:
    """Records each warning once, from `start` to `stop`; ignores those of earlier runs."""

    def __init__(self, namespace: Namespace, job: str, recording: Recorder) -> None:
        self._namespace, self._job, self._recorder = namespace, job, recording
        self._stopping = threading.Event()
        self._known: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._look(record=False)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(_JOIN_TIMEOUT)

    def _watch(self) -> None:
        while not self._stopping.wait(_PAUSE):
            self._look(record=True)

    def _look(self, *, record: bool) -> None:
        try:
            warnings = self._namespace.warnings()
        except InfrastructureError:
            return  # warnings only explain what other observers record
        for warning in warnings:
            key = warning.uid, warning.reason
            if key in self._known:
                continue
            self._known.add(key)
            if record and self._is_ours(warning):
                observation = WarningSeen(warning.about, warning.reason, warning.message)
                self._recorder.record("warnings", observation)

    def _is_ours(self, event: ObjectEvent) -> bool:
        return event.about == f"Job/{self._job}" or event.about.startswith(f"Pod/{self._job}-")


@contextlib.contextmanager
def watching_warnings(
    namespace: Namespace, job: str, recording: Recorder
) -> Iterator[WarningWatcher]:
    """Watch for warnings for as long as the block lasts."""
    watcher = WarningWatcher(namespace, job, recording)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()
