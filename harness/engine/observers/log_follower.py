"""Follows all pods of a namespace and keeps their logs, also those of pods that are gone.

One file for each run of each container: `<pod>.<container>.<run>.log`, each line with the time at
which the kubelet got it. After an error, a watch or a log stream continues where it was.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from harness.core import masking
from harness.core.clock import monotonic, now
from harness.core.errors import InfrastructureError
from harness.core.masking import Masker
from harness.engine.observers.log_listener import (
    Change,
    ContainerRun,
    LogListener,
    NullListener,
    all_containers,
)
from harness.infra.kube import Container, Lines, Namespace, Pod, Refused

#: Seconds after which one watch request ends; then the next begins, from a fresh list.
_WATCH_TIMEOUT = 300
#: Seconds between two attempts after an error.
_PAUSE = 1.0
#: A container whose log has ended, and that is still reported as running after these seconds, runs.
_SETTLE = 10.0
#: The kubelet's timestamp format, to the second.
_SECONDS = "%Y-%m-%dT%H:%M:%S"
#: Seconds that `stop` waits for all threads together.
_JOIN_TIMEOUT = 10.0
#: The most bytes to keep of the log of one container run.
MAX_LOG = 32 * 1024 * 1024

#: The log has not ended, although a stream of it has.
_CONTINUES = "it goes on"


class _LogTooLarge(Exception):
    """A worker writes more than the follower keeps."""


class LogFollower:
    """Keeps the logs of one namespace's pods in a folder, from `start` to `stop`.

    `wanted` selects containers, by pod and name; without it all are followed. `hide` masks secrets
    in the files; the listener gets each line unmasked.
    """

    def __init__(
        self,
        namespace: Namespace,
        folder: Path,
        listener: LogListener | None = None,
        wanted: Callable[[Pod, str], bool] = all_containers,
        hide: Masker = masking.mask,
    ) -> None:
        self._namespace, self._folder = namespace, folder
        self._listener: LogListener = listener or NullListener()
        self._wanted, self._hide = wanted, hide
        self._known: dict[str, Pod] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: dict[ContainerRun | None, threading.Thread] = {}
        self._streams: set[Lines] = set()

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._spawn(None, self._watch)

    def stop(self) -> None:
        """End all streams; all lines that have arrived are in the files."""
        self._stopping.set()
        with self._lock:
            streams, threads = list(self._streams), list(self._threads.values())
        for stream in streams:
            stream.close()
        deadline = monotonic() + _JOIN_TIMEOUT
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))

    def lines(self, pod: str) -> list[str]:
        """Return the lines that the containers of a pod have written so far, without timestamps."""
        files = sorted(self._folder.glob(f"{pod}.*.log"))
        stamped_lines = [line for file in files for line in _lines(file)]
        return [line.partition(" ")[2] for line in stamped_lines]

    # -- pods ---------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                pods, version = self._namespace.pods_and_version()
                self._take_in_list(pods)
                with self._open(self._namespace.watch_pods(version, _WATCH_TIMEOUT)) as changes:
                    for line in changes:
                        change = json.loads(line)
                        if change["type"] == "ERROR":
                            # For example 410: the version is too old. Start again.
                            break
                        if change["type"] != "BOOKMARK":
                            self._pod_changed(change["type"].lower(), Pod.of(change["object"]))
            # ValueError: the connection ended in the middle of a line.
            except (InfrastructureError, ValueError) as error:
                self._log_error(f"watching pods: {error}")
                self._stopping.wait(_PAUSE)

    def _take_in_list(self, pods: list[Pod]) -> None:
        """Take in a fresh list: pods that were added, modified or deleted since the last one."""
        listed = {pod.uid for pod in pods}
        for pod in [known_pod for uid, known_pod in self._known.items() if uid not in listed]:
            self._pod_changed("deleted", pod)
        for pod in pods:
            known = self._known.get(pod.uid)
            if known is None or known.version != pod.version:
                self._pod_changed("added" if known is None else "modified", pod)

    def _pod_changed(self, change: Change, pod: Pod) -> None:
        if change == "deleted":
            self._known.pop(pod.uid, None)
        else:
            self._known[pod.uid] = pod
        self._listener.pod(change, pod)
        self._follow_new_runs(pod)

    def _follow_new_runs(self, pod: Pod) -> None:
        """Follow each container run that has a log and is not followed yet."""
        for container in pod.containers:
            if not self._wanted(pod, container.name):
                continue
            last = container.restarts if container.started else container.restarts - 1
            # The cluster keeps the logs of the current run and of the one before it.
            for number in range(max(0, container.restarts - 1), last + 1):
                run = ContainerRun(pod.name, container.name, number)
                if run not in self._threads:
                    self._spawn(run, self._keep_log, run, number < container.restarts)

    # -- logs ---------------------------------------------------------------------------------

    def _keep_log(self, run: ContainerRun, previous: bool) -> None:
        why = "the follower was stopped"
        while not self._stopping.is_set():
            try:
                self._copy(run, previous)
                why = "" if previous else self._end_of_stream(run)
                if why is not _CONTINUES:
                    break
            except _LogTooLarge as error:
                why = str(error)
                break
            except Refused as refused:
                # The pod or this run of it is gone: its log cannot be read any more.
                self._log_error(f"log of {run}: {refused}")
                why = f"{refused}"
                break
            except InfrastructureError as error:
                self._log_error(f"log of {run}: {error}")
            self._stopping.wait(_PAUSE)
        self._listener.ended(run, why)

    def _end_of_stream(self, run: ContainerRun) -> str:
        """Return why lines are missing at the end of a stream; empty if complete, or `_CONTINUES`.

        Raises the errors of `_copy`.
        """
        try:
            state = self._settled_state(run)
        except Refused:
            return ""  # the pod is gone, and its log was complete before
        if state is None:
            return "the follower was stopped"
        if state.restarts == run.number + 1:
            # After a quick restart this file may have lines of the next run: the log that the
            # cluster now calls the previous one is this run's, and complete.
            self._read_again(run, state.now.started)
            return ""
        if state.restarts > run.number:
            return "it was restarted more than once before its log was read to the end"
        return _CONTINUES if state.running else ""

    def _read_again(self, run: ContainerRun, restarted: datetime | None) -> None:
        """Read the log of a run again, now that it is the one before the current run.

        The cluster may have deleted it already. Then the streamed lines are all there is, and they
        are this run's as far as they are older than the next run (`restarted`).
        """
        path = self._path(run)
        streamed = _lines(path)
        stream = self._namespace.follow_log(run.pod, run.container, previous=True)
        with self._open(stream) as log:
            complete = [line for line in log if _stamped(line)]
        masked = [self._hide(line) for line in complete]
        if complete:
            path.write_text("".join(f"{line}\n" for line in masked), encoding="utf-8")
        if masked[: len(streamed)] == streamed:
            for line in complete[len(streamed) :]:
                self._listener.line(run, line)
        elif complete or not self._is_older(run, _moment(streamed[-1]), restarted):
            self._listener.missed(f"lines of a later run were taken for those of {run}")

    def _is_older(self, run: ContainerRun, last: str, restarted: datetime | None) -> bool:
        """Return whether the last streamed line is older than all lines of the next run.

        The cluster reports whole seconds; within the same second the next run's first line decides.
        """
        if restarted is not None and last < _moment(f"{restarted:{_SECONDS}}"):
            return True
        try:
            first = self._namespace.first_line(run.pod, run.container)
            pod = self._namespace.pod(run.pod)
        except Refused:
            return False
        state = next(container for container in pod.containers if container.name == run.container)
        return state.restarts == run.number + 1 and (not first or last < _moment(first))

    def _copy(self, run: ContainerRun, previous: bool) -> None:
        """Append the lines that are newer than the last line in the file, until the stream ends."""
        path = self._path(run)
        last_moment, size = _last_moment(path), path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8", buffering=1) as file:
            lines = self._namespace.follow_log(run.pod, run.container, previous=previous)
            with self._open(lines) as log:
                for line in log:
                    if not _stamped(line):  # an error message of the kubelet
                        raise InfrastructureError(f"no log of {run}: {line}")
                    if _moment(line) > last_moment:
                        file.write(self._hide(line) + "\n")
                        self._listener.line(run, line)
                        size += len(line)
                    if size > MAX_LOG:
                        raise _LogTooLarge(f"it wrote more than {MAX_LOG // 1024**2} MiB")

    def _path(self, run: ContainerRun) -> Path:
        return self._folder / f"{run.pod}.{run.container}.{run.number}.log"

    def _settled_state(self, run: ContainerRun) -> Container | None:
        """Return the container, once its state explains why the stream of its log has ended.

        The cluster reports a dead container as running for some moments more; a request for its log
        meanwhile would return that of the next run. A container that is still reported as running
        after `_SETTLE` runs: the stream broke. None when the follower has to stop.
        """
        deadline = monotonic() + _SETTLE
        while not self._stopping.is_set():
            pod = self._namespace.pod(run.pod)
            state = next(
                container for container in pod.containers if container.name == run.container
            )
            if state.restarts != run.number or not state.running or monotonic() > deadline:
                return state
            self._stopping.wait(_PAUSE)
        return None

    # -- threads ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _open(self, stream: Lines) -> Iterator[Lines]:
        with self._lock:
            self._streams.add(stream)
        if self._stopping.is_set():  # `stop` has not closed this stream
            stream.close()
        try:
            yield stream
        finally:
            with self._lock:
                self._streams.discard(stream)
            stream.close()

    def _spawn(
        self, key: ContainerRun | None, target: Callable[..., None], *arguments: object
    ) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        with self._lock:
            self._threads[key] = thread
        thread.start()

    def _log_error(self, line: str) -> None:
        if not self._stopping.is_set():
            with self._lock, (self._folder / "follower.txt").open("a", encoding="utf-8") as file:
                file.write(f"{now().isoformat()} {line}\n")


def _stamped(line: str) -> bool:
    """Return whether a line begins with a timestamp, as all lines of a container do."""
    return line[:4].isdigit() and line[4:5] == "-"


def _moment(line: str) -> str:
    # Without its Z a shorter fraction of a second sorts before a longer one, as it should.
    return line.partition(" ")[0].rstrip("Z")


def _lines(path: Path) -> list[str]:
    """Return the lines of a log file, split at line feeds only, as other breaks are text."""
    if not path.exists():
        return []
    return path.read_bytes().decode("utf-8").split("\n")[:-1]


def _last_moment(path: Path) -> str:
    lines = _lines(path)
    return _moment(lines[-1]) if lines else ""


@contextlib.contextmanager
def following(
    namespace: Namespace,
    folder: Path,
    listener: LogListener | None = None,
    wanted: Callable[[Pod, str], bool] = all_containers,
    hide: Masker = masking.mask,
) -> Iterator[LogFollower]:
    """Follow the pods of a namespace for as long as the block lasts; see `LogFollower`."""
    follower = LogFollower(namespace, folder, listener, wanted, hide)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()
