"""Follows all pods of a namespace and keeps their logs, also those of pods that are gone.

One file for each run of each container: `<pod>.<container>.<run>.log`, each line with the time at
which the kubelet got it. A watch or a log stream that breaks is taken up again where it was.
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

#: Seconds for which one watch is asked for; then the next begins, from a fresh list.
_WATCH = 300
#: Seconds between two attempts after something broke.
_PAUSE = 1.0
#: Seconds after which a container whose log has ended, and that is called running, does run.
_SETTLE = 10.0
#: A moment as the kubelet writes it, to the second.
_SECONDS = "%Y-%m-%dT%H:%M:%S"
#: Seconds that `stop` gives all threads together.
_JOIN = 10.0
#: Bytes that are kept of what one run of a container writes.
MAX_LOG = 32 * 1024 * 1024

#: Its log has not ended, although a stream of it has.
_GOES_ON = "it goes on"


class _TooMuch(Exception):
    """A worker writes more than anybody wants to keep."""


class LogFollower:
    """Keeps the logs of one namespace's pods in `folder`, from `start` to `stop`.

    `wanted` chooses containers, by pod and name; all, when it is left out. `hide` takes out of the
    files what nobody shall read; the listener is told each line as it is.
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
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: dict[ContainerRun | None, threading.Thread] = {}
        self._streams: set[Lines] = set()

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._spawn(None, self._watch)

    def stop(self) -> None:
        """End all streams; what has come so far is in the files."""
        self._over.set()
        with self._lock:
            streams, threads = list(self._streams), list(self._threads.values())
        for stream in streams:
            stream.close()
        deadline = monotonic() + _JOIN
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))

    def lines(self, pod: str) -> list[str]:
        """What the containers of a pod have written so far, without the times."""
        found = sorted(self._folder.glob(f"{pod}.*.log"))
        stamped = [line for file in found for line in _lines(file)]
        return [line.partition(" ")[2] for line in stamped]

    # -- pods ---------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                pods, version = self._namespace.pods_and_version()
                self._list(pods)
                with self._open(self._namespace.watch_pods(version, _WATCH)) as changes:
                    for line in changes:
                        change = json.loads(line)
                        if change["type"] == "ERROR":
                            # As 410: too much has happened since that version. Begin anew.
                            break
                        if change["type"] != "BOOKMARK":
                            self._changed(change["type"].lower(), Pod.of(change["object"]))
            # ValueError: a connection that ended in the middle of a line.
            except (InfrastructureError, ValueError) as error:
                self._note(f"watching pods: {error}")
                self._over.wait(_PAUSE)

    def _list(self, pods: list[Pod]) -> None:
        """Take in a fresh list: what has come, changed or gone since the last look."""
        there = {pod.uid for pod in pods}
        for pod in [one for uid, one in self._known.items() if uid not in there]:
            self._changed("deleted", pod)
        for pod in pods:
            before = self._known.get(pod.uid)
            if before is None or before.version != pod.version:
                self._changed("added" if before is None else "modified", pod)

    def _changed(self, change: Change, pod: Pod) -> None:
        if change == "deleted":
            self._known.pop(pod.uid, None)
        else:
            self._known[pod.uid] = pod
        self._listener.pod(change, pod)
        self._look(pod)

    def _look(self, pod: Pod) -> None:
        """Follow what has a log and is not followed yet."""
        for container in pod.containers:
            if not self._wanted(pod, container.name):
                continue
            last = container.restarts if container.started else container.restarts - 1
            # The cluster keeps the log of the present run and of the one before it.
            for number in range(max(0, container.restarts - 1), last + 1):
                run = ContainerRun(pod.name, container.name, number)
                if run not in self._threads:
                    self._spawn(run, self._keep, run, number < container.restarts)

    # -- logs ---------------------------------------------------------------------------------

    def _keep(self, run: ContainerRun, previous: bool) -> None:
        why = "the follower was stopped"
        while not self._over.is_set():
            try:
                self._copy(run, previous)
                why = "" if previous else self._ended(run)
                if why is not _GOES_ON:
                    break
            except _TooMuch as error:
                why = str(error)
                break
            except Refused as refused:
                # The pod or this run of it is gone: there is no more to be had.
                self._note(f"log of {run}: {refused}")
                why = f"{refused}"
                break
            except InfrastructureError as error:
                self._note(f"log of {run}: {error}")
            self._over.wait(_PAUSE)
        self._listener.ended(run, why)

    def _ended(self, run: ContainerRun) -> str:
        """What the end of a stream means: empty when all is there, `_GOES_ON`, or what is missing.

        Raises as `_copy`.
        """
        try:
            state = self._after_the_end(run)
        except Refused:
            return ""  # the pod is gone, and its log had come to its end before
        if state is None:
            return "the follower was stopped"
        if state.restarts == run.number + 1:
            # Whoever restarts quickly has had the next run's lines in this file: the log that the
            # cluster now calls the previous one is this run's, and whole.
            self._again(run, state.now.started)
            return ""
        if state.restarts > run.number:
            return "it was restarted more than once before its log was read to the end"
        return _GOES_ON if state.running else ""

    def _again(self, run: ContainerRun, restarted: datetime | None) -> None:
        """Take the log of a run from the one that is kept of the run before the present one.

        It may be gone already. What came by the stream is then all there is, and it is this run's
        as far as it is older than the next (`restarted`).
        """
        path = self._path(run)
        first = _lines(path)
        stream = self._namespace.follow_log(run.pod, run.container, previous=True)
        with self._open(stream) as log:
            whole = [line for line in log if _stamped(line)]
        kept = [self._hide(line) for line in whole]
        if whole:
            path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        if kept[: len(first)] == first:
            for line in whole[len(first) :]:
                self._listener.line(run, line)
        elif whole or not self._older(run, _moment(first[-1]), restarted):
            self._listener.missed(f"lines of a later run were taken for those of {run}")

    def _older(self, run: ContainerRun, last: str, restarted: datetime | None) -> bool:
        """Whether the last line that came is older than all that the next run has written.

        The cluster tells whole seconds; within one of them that run's own first line decides.
        """
        if restarted is not None and last < _moment(f"{restarted:{_SECONDS}}"):
            return True
        try:
            first = self._namespace.first_line(run.pod, run.container)
            pod = self._namespace.pod(run.pod)
        except Refused:
            return False
        state = next(one for one in pod.containers if one.name == run.container)
        return state.restarts == run.number + 1 and (not first or last < _moment(first))

    def _copy(self, run: ContainerRun, previous: bool) -> None:
        """Append what is newer than the last line in the file, until the stream ends."""
        path = self._path(run)
        had, size = _last_moment(path), path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8", buffering=1) as file:
            lines = self._namespace.follow_log(run.pod, run.container, previous=previous)
            with self._open(lines) as log:
                for line in log:
                    if not _stamped(line):  # the kubelet's own words
                        raise InfrastructureError(f"no log of {run}: {line}")
                    if _moment(line) > had:
                        file.write(self._hide(line) + "\n")
                        self._listener.line(run, line)
                        size += len(line)
                    if size > MAX_LOG:
                        raise _TooMuch(f"it wrote more than {MAX_LOG // 1024**2} MiB")

    def _path(self, run: ContainerRun) -> Path:
        return self._folder / f"{run.pod}.{run.container}.{run.number}.log"

    def _after_the_end(self, run: ContainerRun) -> Container | None:
        """The container, once its state tells why the stream of its log has ended.

        A container that has died is called running for some moments more; who asked for the log
        again meanwhile would get that of its next run. One that is still called running after
        `_SETTLE` does run: the stream broke. None when we are to stop.
        """
        deadline = monotonic() + _SETTLE
        while not self._over.is_set():
            pod = self._namespace.pod(run.pod)
            state = next(one for one in pod.containers if one.name == run.container)
            if state.restarts != run.number or not state.running or monotonic() > deadline:
                return state
            self._over.wait(_PAUSE)
        return None

    # -- threads ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _open(self, stream: Lines) -> Iterator[Lines]:
        with self._lock:
            self._streams.add(stream)
        if self._over.is_set():  # `stop` has not seen this one
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

    def _note(self, line: str) -> None:
        if not self._over.is_set():
            with self._lock, (self._folder / "follower.txt").open("a", encoding="utf-8") as file:
                file.write(f"{now().isoformat()} {line}\n")


def _stamped(line: str) -> bool:
    """Whether a line begins with a moment, as all do that a container wrote."""
    return line[:4].isdigit() and line[4:5] == "-"


def _moment(line: str) -> str:
    # Without its Z a shorter fraction of a second sorts before a longer one, as it should.
    return line.partition(" ")[0].rstrip("Z")


def _lines(path: Path) -> list[str]:
    """What is in a log's file, divided by line feeds alone: others belong to what was written."""
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
    """Follow the pods of a namespace for as long as the block lasts; as `LogFollower`."""
    follower = LogFollower(namespace, folder, listener, wanted, hide)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()
