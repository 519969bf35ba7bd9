"""A Job and its pods as the API server shows them, and processes whose lines the kubelet keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from harness.engine.observers.log_listener import ContainerRun
from harness.engine.observers.pod_recorder import PodRecorder
from harness.history import Condition, JobSeen, Worker
from harness.infra.kube import Container, Pod
from harness.infra.kube.objects import State
from harness.suites.unit.simulator.tap import Lost, Tap, Wire
from harness.suites.unit.simulator.world import Process, Steps, World

NAME = "worker"
KILLED = 137
#: From a pod's creation to its container's first instruction.
START = 1.5
#: The pause before a container that failed is started again; it doubles with each.
_BACK_OFF = 10.0
#: As Kubernetes has it where a Job does not say.
_LIMIT = 6
#: How late the kubelet may be with a line, and its observer with what the kubelet says, at most.
_LATE, _SEEN = 0.05, 0.3

Program = Callable[["Body"], Steps]


class Body:
    """One run of a worker's container: its process, its connections, its lines."""

    def __init__(self, cluster: Cluster, place: Place, number: int, program: Program) -> None:
        self._cluster, self.place, self.number = cluster, place, number
        self.world = cluster.world
        self.wires: list[Wire] = []
        self.code: int | None = None
        self.began = self.world.now
        #: Lines that wait in the worker's own buffer.
        self.buffer: list[str] = []
        #: It stops with its next line that has this in it, and that is told there.
        self.stopping = self.stops_at = ""
        self._last = 0.0
        self._process = Process(self.world, self._lives(program))

    @property
    def worker(self) -> Worker:
        return Worker(self.place.uid, self.number)

    def _lives(self, program: Program) -> Steps:
        try:
            yield from program(self)
        except Lost:
            if self.code is None:
                self.prints("lost the connection")
                self.exits(1)

    def connects(self) -> Wire:
        wire = self._cluster.tap.connect(self.place.address)
        self.wires.append(wire)
        return wire

    def prints(self, text: str, late: float = 0.0) -> None:
        """A line, which the kubelet gets at once, or so many seconds later."""
        at = self.world.now + late + self._cluster.some(_LATE)
        at = self._last = max(at, self._last + 1e-6)

        def writes() -> None:
            # What a filter has is lost with it.
            if not (late and self.code == KILLED):
                self._cluster.writes(self, text, at)

        self.world.later(at - self.world.now, writes)

    def exits(self, code: int) -> None:
        """It ends by itself, and its buffer is written."""
        for text in self.buffer:
            self.prints(text)
        self._end(code)

    def dies(self) -> None:
        """It is killed, and knows nothing of it."""
        if self.code is None:
            self._end(KILLED)

    def stops(self) -> None:
        """It does nothing more until it is killed."""
        self.stopping = ""
        self._process.freeze()

    def _end(self, code: int) -> None:
        self.code = code
        self._process.kill()
        for wire in self.wires:
            wire.closed("client")
        self._cluster.ended(self)


class Place:
    """A pod."""

    def __init__(self, number: int) -> None:
        self.uid, self.name, self.address = f"uid-{number}", f"job-{number}", f"10.0.0.{number}"
        self.body: Body | None = None
        self.last: State | None = None
        self.restarts = 0
        self.phase = "Pending"
        self.leaving = self.gone = False


class Cluster:
    """The Job's controller, and a node."""

    def __init__(
        self, world: World, tap: Tap, logs: PodRecorder, program: Program, *, job: str, epoch: float
    ) -> None:
        self.world, self.tap, self._logs = world, tap, logs
        self._program, self._job, self._epoch = program, job, epoch
        self._parallelism, self._completions = 0, None
        self.places: list[Place] = []
        #: When containers ended, by their ids.
        self.exits: dict[str, float] = {}
        self._versions = count(1)
        self.succeeded = self.failures = 0
        self.over = False
        #: Seconds for which a process outlives what ends it.
        self.linger = 0.0
        self.lines: dict[str, str] = {}
        #: When processes were stopped with their next line, by where that is told.
        self.told: dict[str, str] = {}

    def start(self, parallelism: int, completions: int | None) -> None:
        self._parallelism, self._completions = parallelism, completions
        self._fill()

    def some(self, most: float) -> float:
        return self.world.chance.uniform(0.001, most)

    def pod(self, name: str) -> Place:
        return next(one for one in self.places if one.name == name)

    # -- what is done to it -------------------------------------------------------------------

    def kill(self, container: str) -> None:
        body = self.pod(container).body
        if body is not None:
            self.world.later(self.linger, body.dies)

    def stop_at_line(self, container: str, file: str, having: str) -> None:
        body = self.pod(container).body
        if body is not None:
            body.stopping, body.stops_at = file, having

    def tells(self, file: str, seconds: float) -> str:
        """The moment that is told in a file, as soon as it is, or empty."""
        self.world.run(self.world.now + seconds, lambda: file in self.told)
        return self.told.get(file, "")

    def delete(self, name: str) -> None:
        """With no grace: its processes outlive it by a moment."""
        place = self.pod(name)
        place.leaving = True
        self._show(place, "modified")
        self.world.later(self.linger + self.some(1.0), lambda: self._delete(place))

    def _delete(self, place: Place) -> None:
        if place.body is not None and place.body.code is None:
            place.body.dies()
        place.gone, place.phase = True, "Failed"
        self._show(place, "deleted")
        self.world.later(1.0, self._look)

    def scale(self, parallelism: int) -> None:
        self._parallelism = parallelism
        self._fill()

    # -- what its pods do ---------------------------------------------------------------------

    def writes(self, body: Body, text: str, at: float) -> None:
        moment = datetime.fromtimestamp(self._epoch + at, UTC)
        line = f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z {text}"
        self.lines[body.place.name] = line
        if body.stopping and body.stops_at in text:
            self.told[body.stopping] = f"{self._epoch + self.world.now}"
            body.stops()
        run = ContainerRun(body.place.name, NAME, body.number)
        self.world.later(self.some(0.02), lambda: self._logs.line(run, line))

    def ended(self, body: Body) -> None:
        place = body.place
        ended = State(
            "terminated",
            exit_code=body.code,
            started=self._whole(body.began),
            finished=self._whole(self.world.now),
            container=f"{len(self.exits) + 1:064x}",
        )
        self.exits[ended.container] = self._epoch + self.world.now
        run = ContainerRun(place.name, NAME, body.number)
        self.world.later(0.5, lambda: self._logs.ended(run, ""))
        if place.leaving or place.gone or self.over:
            place.last = ended
            self._show(place, "modified", ended)
            return
        place.last = ended
        if body.code == 0:
            place.phase = "Succeeded"
            self.succeeded += 1
            self._show(place, "modified", ended)
            self.world.later(0.3, self._look)
            return
        self.failures += 1
        self._show(place, "modified", ended)
        if self.failures > _LIMIT:
            self.world.later(0.3, self._give_up)
            return
        pause = _BACK_OFF * 2 ** min(place.restarts, 5)
        self.world.later(0.4, lambda: self._waits(place))
        self.world.later(pause, lambda: self._begin(place, place.restarts))

    def _waits(self, place: Place) -> None:
        if not (place.gone or place.leaving):
            place.restarts += 0
            self._show(place, "modified", State("waiting", "CrashLoopBackOff"))

    def _begin(self, place: Place, number: int) -> None:
        if place.gone or place.leaving or self.over:
            return
        place.phase = "Running"
        if place.body is not None:
            place.restarts = number = number + 1
        place.body = Body(self, place, number, self._program)
        running = State("running", started=self._whole(self.world.now))
        # A pod's address is known only after it has begun to talk.
        self._show(place, "modified", running, self.some(_SEEN))

    def _look(self) -> None:
        if self.over:
            return
        busy = any(not one.gone and one.phase in ("Pending", "Running") for one in self.places)
        wanted = self._completions
        enough = self.succeeded >= wanted if wanted is not None else self.succeeded > 0
        if enough and not busy:
            self.over = True
            self._tell((Condition("Complete", "True"),))
        else:
            self._fill()

    def _give_up(self) -> None:
        self.over = True
        for place in self.places:
            if place.body is not None and place.body.code is None:
                place.body.dies()
        self._tell((Condition("Failed", "True", "BackoffLimitExceeded"),))

    def _fill(self) -> None:
        there = [one for one in self.places if not one.gone and one.phase in ("Pending", "Running")]
        want = self._parallelism
        if self._completions is None:
            want = len(there) if self.succeeded else want
        else:
            want = min(want, self._completions - self.succeeded)
        for _ in range(want - len(there)):
            place = Place(len(self.places) + 1)
            self.places.append(place)
            self._show(place, "added", State("waiting", "ContainerCreating"))
            start = START + self.some(0.5)
            self.world.later(start, lambda place=place: self._begin(place, 0))  # type: ignore[misc]  # its default binds it
        self._tell(())

    # -- what is seen of it -------------------------------------------------------------------

    def _tell(self, conditions: tuple[Condition, ...]) -> None:
        phases = [one.phase for one in self.places if not one.gone]
        active = sum(one in ("Pending", "Running") for one in phases)
        seen = JobSeen(
            self._job,
            next(self._versions),
            self._parallelism,
            self._completions,
            active,
            self.succeeded,
            0,
            conditions,
        )
        self.world.see("job", seen)

    def _show(
        self,
        place: Place,
        change: Literal["added", "modified", "deleted"],
        state: State | None = None,
        late: float = 0.02,
    ) -> None:
        state = state or place.last or State("waiting")
        last = place.last if state.name != "terminated" else None
        container = Container(
            name=NAME,
            image="",
            ready=False,
            restarts=place.restarts,
            running=state.name == "running",
            started=state.name != "waiting",
            waiting="",
            exit_code=state.exit_code,
            now=state,
            last=last,
        )
        pod = Pod(
            place.name,
            place.uid,
            place.phase,
            ready=False,
            node="node-1",
            containers=(container,),
            unplaced_since=None,
            unplaced_why="",
            address="" if place.body is None else place.address,
            version=next(self._versions),
            deleting=place.leaving,
            labels={"batch.kubernetes.io/job-name": self._job},
        )
        self.world.later(late, lambda: self._logs.pod(change, pod))

    def _whole(self, at: float) -> datetime:
        return datetime.fromtimestamp(int(self._epoch + at), UTC)
