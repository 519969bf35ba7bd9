"""Follows all pods of a namespace and keeps their logs, also those of pods that are gone.

One file for each run of each container: `<pod>.<container>.<run>.log`, each line with the time at
which the kubelet got it. A watch or a log stream that breaks is taken up again where it was.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness.clock import monotonic, now
from harness.errors import InfrastructureError
from harness.kube import Container, Lines, Namespace, Pod, Refused

#: Seconds for which one watch is asked for; then the next begins, from a fresh list.
_WATCH = 300
#: Seconds between two attempts after something broke.
_PAUSE = 1.0
#: Seconds after which a container whose log has ended, and that is called running, does run.
_SETTLE = 10.0
#: Seconds that `stop` gives all threads together.
_JOIN = 10.0


class Run(NamedTuple):
    """One run of one container."""

    pod: str
    container: str
    number: int


class Follower:
    """Keeps the logs of one namespace's pods in `folder`, from `start` to `stop`."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self._namespace, self._folder = namespace, folder
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: dict[Run | None, threading.Thread] = {}
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
        stamped = [line for file in found for line in file.read_text("utf-8").splitlines()]
        return [line.partition(" ")[2] for line in stamped]

    # -- pods ---------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                pods, version = self._namespace.pods_and_version()
                for pod in pods:
                    self._look(pod)
                with self._open(self._namespace.watch_pods(version, _WATCH)) as changes:
                    for line in changes:
                        change = json.loads(line)
                        if change["type"] == "ERROR":
                            # As 410: too much has happened since that version. Begin anew.
                            break
                        if change["type"] != "BOOKMARK":
                            self._look(Pod.of(change["object"]))
            except InfrastructureError as error:
                self._note(f"watching pods: {error}")
                self._over.wait(_PAUSE)

    def _look(self, pod: Pod) -> None:
        """Follow what has a log and is not followed yet."""
        for container in pod.containers:
            last = container.restarts if container.started else container.restarts - 1
            # The cluster keeps the log of the present run and of the one before it.
            for number in range(max(0, container.restarts - 1), last + 1):
                run = Run(pod.name, container.name, number)
                if run not in self._threads:
                    self._spawn(run, self._keep, run, number < container.restarts)

    # -- logs ---------------------------------------------------------------------------------

    def _keep(self, run: Run, previous: bool) -> None:
        path = self._folder / f"{run.pod}.{run.container}.{run.number}.log"
        while not self._over.is_set():
            try:
                self._copy(run, previous, path)
                if previous:
                    return
                state = self._after_the_end(run)
                if state is None or state.restarts == run.number + 1:
                    # Whoever restarts quickly has had the next run's lines in this file: the log
                    # that the cluster now calls the previous one is this run's, and whole.
                    if state is not None:
                        path.unlink(missing_ok=True)
                        self._copy(run, True, path)
                    return
                if state.restarts > run.number or not state.running:
                    return
            except Refused as refused:
                # The pod or this run of it is gone: there is no more to be had.
                self._note(f"log of {run}: {refused}")
                return
            except InfrastructureError as error:
                self._note(f"log of {run}: {error}")
            self._over.wait(_PAUSE)

    def _copy(self, run: Run, previous: bool, path: Path) -> None:
        """Append what is newer than the last line in the file, until the stream ends."""
        had = _last_moment(path)
        with path.open("a", encoding="utf-8", buffering=1) as file:
            lines = self._namespace.follow_log(run.pod, run.container, previous=previous)
            with self._open(lines) as log:
                for line in log:
                    if _moment(line) > had:
                        file.write(line + "\n")

    def _after_the_end(self, run: Run) -> Container | None:
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

    def _spawn(self, key: Run | None, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        with self._lock:
            self._threads[key] = thread
        thread.start()

    def _note(self, line: str) -> None:
        if not self._over.is_set():
            with self._lock, (self._folder / "follower.txt").open("a", encoding="utf-8") as file:
                file.write(f"{now().isoformat()} {line}\n")


def _moment(line: str) -> str:
    # Without its Z a shorter fraction of a second sorts before a longer one, as it should.
    return line.partition(" ")[0].rstrip("Z")


def _last_moment(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return _moment(lines[-1]) if lines else ""


@contextlib.contextmanager
def following(namespace: Namespace, folder: Path) -> Iterator[Follower]:
    """Follow the pods of a namespace for as long as the block lasts."""
    follower = Follower(namespace, folder)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()
