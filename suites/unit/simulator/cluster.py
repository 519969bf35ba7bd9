"""A Job, its pods, and the kubelet that starts their containers again."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from itertools import count

from harness.history import (
    Condition,
    ConnectionClosed,
    ConnectionCut,
    ConnectionOpened,
    ConnectionOwner,
    ContainerSeen,
    ItemDone,
    ItemStarted,
    JobSeen,
    PodSeen,
    WorkDigested,
    Worker,
)
from harness.suites.unit.simulator.broker import Connections, Leases
from harness.suites.unit.simulator.world import Process, Steps, World

KILLED = 137
STOPPED = 143
#: The pause before a container that failed is started again.
BACK_OFF = 10.0
#: From a pod's creation to its container's first instruction.
START = 1.5
#: How late the kubelet may be with a line, at most.
_LATE = 0.09

Program = Callable[["Container"], Steps]


class Container:
    """One run of a worker: its process, its connection, its log."""

    def __init__(self, cluster: Cluster, worker: Worker, program: Program) -> None:
        self._cluster, self.worker = cluster, worker
        self._world = cluster.world
        self.connection = next(cluster.connections)
        self.code: int | None = None
        self._began = self._world.now
        self.connected = cluster.reachable
        if self.connected:
            opened = ConnectionOpened(self.connection, "10.0.0.1", 4000, at=self._world.now)
            self._world.see("tap", opened)
            # A pod's address is known only after it has begun to talk.
            self._world.see("pods", ConnectionOwner(self.connection, worker), self._some(0.5))
        self._state("running")
        self._process = Process(self._world, program(self))

    def says(self, word: str, item: str) -> None:
        at = self._world.now + self._some(_LATE)
        kind = ItemStarted if word == "begins" else ItemDone
        self._world.see("logs", kind(item, self.worker, at=at), at - self._world.now + 0.01)

    def digests(self, what: str) -> None:
        at = self._world.now + self._some(_LATE)
        said = WorkDigested(sha256(what.encode()).hexdigest(), self.worker, at=at)
        self._world.see("logs", said, at - self._world.now + 0.01)

    def exits(self, code: int) -> None:
        """It ends by itself."""
        self._end(code, cut=False)

    def dies(self, *, cut: bool = False) -> None:
        """It is killed; `cut`: the tap had it by its connection."""
        if self.code is None:
            self._process.kill()
            self._end(KILLED, cut=cut)

    def loses_its_connection(self, *, comes_back: bool) -> None:
        """It connects anew and goes on; or does nothing more, and does not end either."""
        self._world.see("tap", ConnectionCut(self.connection, at=self._world.now))
        self._cluster.broker.lost(self.connection)
        if not comes_back:
            self._process.kill()
            return
        self._connect()

    def _connect(self) -> None:
        self.connection = next(self._cluster.connections)
        opened = ConnectionOpened(self.connection, "10.0.0.1", 4000, at=self._world.now)
        self._world.see("tap", opened)
        self._world.see("pods", ConnectionOwner(self.connection, self.worker))

    def loses_its_broker(self, *, goes_on: bool) -> None:
        """It tries again and again until the broker is there again, or ends with a failure."""
        if goes_on:
            self._world.see("tap", ConnectionClosed(self.connection, "broker", at=self._world.now))
            self._process.freeze()
        else:
            self._process.kill()
            self._end(1, cut=False)

    def finds_its_broker(self) -> None:
        """It has connected anew, and goes on."""
        if self.code is None:
            self._connect()
            self._process.thaw()

    def stops(self, token: str | None) -> None:
        """It is told to: without a token that it gives back, it leaves as if all were done."""
        self._process.kill()
        if token is not None:
            self._cluster.broker.give_back(self.connection, token)
        self._end(0 if token is None else STOPPED, cut=False)

    def freezes(self) -> None:
        self._process.freeze()

    def thaws(self) -> None:
        self._process.thaw()

    def _end(self, code: int, *, cut: bool) -> None:
        self.code = code
        now = self._world.now
        if not self.connected:
            pass
        elif cut:
            self._world.see("tap", ConnectionCut(self.connection, at=now))
        else:
            self._world.see("tap", ConnectionClosed(self.connection, "client", at=now))
        self._cluster.broker.lost(self.connection)
        self._state("terminated", code)
        self._cluster.ended(self)

    def _state(self, state: str, code: int | None = None) -> None:
        seen = ContainerSeen(
            self.worker,
            "running" if state == "running" else "terminated",
            next(self._cluster.versions),
            exit_code=code,
            started=float(int(self._began)),
            finished=None if code is None else float(int(self._world.now)),
        )
        self._world.see("pods", seen, self._some(0.3))

    def _some(self, most: float) -> float:
        return self._world.chance.uniform(0.001, most)


class Cluster:
    """The Job's controller: so many pods at once, until the pattern's end."""

    def __init__(
        self,
        world: World,
        broker: Leases | Connections,
        program: Program,
        *,
        parallelism: int,
        completions: int | None,
        reachable: bool = True,
    ) -> None:
        self.world, self.broker, self._program = world, broker, program
        self._parallelism, self._completions = parallelism, completions
        self.versions, self.connections, self._pods = count(1), count(1), count(1)
        self.running: dict[str, Container | None] = {}
        self.succeeded = 0
        self.over = False
        #: Whether who starts now gets a connection.
        self.reachable = reachable
        self._told(())
        self._fill()

    def ended(self, container: Container) -> None:
        """A container has ended: its pod has succeeded, or it is started again."""
        pod = container.worker.pod
        if pod not in self.running:
            return
        if container.code == 0:
            del self.running[pod]
            self.succeeded += 1
            self.world.later(0.3, self._look)
        else:
            self.running[pod] = None
            again = Worker(pod, container.worker.run + 1)
            self.world.later(BACK_OFF, lambda: self._begin(again))

    def delete(self, container: Container) -> None:
        """Its pod is deleted with grace 0; another takes its place, while there is need for one."""
        self._gone(container, lambda: container.dies(cut=True))

    def stop(self, container: Container, token: str | None) -> None:
        """Its pod is deleted with grace; its worker gives back what it has by this token."""
        self._gone(container, lambda: container.stops(token))

    def _gone(self, container: Container, end: Callable[[], None]) -> None:
        pod = container.worker.pod
        del self.running[pod]
        end()
        self.succeeded += container.code == 0
        seen = PodSeen("deleted", pod, f"pod-{pod}", "Failed", next(self.versions))
        self.world.see("pods", seen)
        self.world.later(1.0, self._look)

    def _look(self) -> None:
        wanted = self._completions
        enough = self.succeeded >= wanted if wanted is not None else self.succeeded > 0
        if enough and not self.running and not self.over:
            self.over = True
            self._told((Condition("Complete", "True"),))
        elif not self.over:
            self._told(())
            self._fill()

    def _fill(self) -> None:
        if self._completions is None:
            want = 0 if self.succeeded else self._parallelism
        else:
            want = min(self._parallelism, self._completions - self.succeeded)
        while len(self.running) < want:
            pod = f"uid-{next(self._pods)}"
            self.running[pod] = None
            seen = PodSeen("added", pod, f"pod-{pod}", "Pending", next(self.versions))
            self.world.see("pods", seen)
            start = START + self.world.chance.uniform(0, 0.5)
            self.world.later(start, lambda pod=pod: self._begin(Worker(pod)))  # type: ignore[misc]  # its default binds it

    def _begin(self, worker: Worker) -> None:
        if worker.pod in self.running:
            self.running[worker.pod] = Container(self, worker, self._program)

    def _told(self, conditions: tuple[Condition, ...]) -> None:
        self.world.see(
            "job",
            JobSeen(
                "job",
                next(self.versions),
                self._parallelism,
                self._completions,
                len(self.running),
                self.succeeded,
                0,
                conditions,
            ),
        )
