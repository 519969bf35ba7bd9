"""A scenario of the harness, played on a simulated station: the same code, another clock."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from types import SimpleNamespace
from typing import Any, TypeVar

import msgspec

from harness.checks.judge import judge
from harness.checks.levels import Level
from harness.checks.model import build_model, measure
from harness.core.errors import QueuejobError, TimedOut
from harness.core.timeouts import Timeouts
from harness.engine import phrase_learning, runner
from harness.engine.calibration import Calibration
from harness.engine.campaign import JudgedRun
from harness.engine.observers import container_exits
from harness.engine.observers.connection_owners import ConnectionOwners
from harness.engine.observers.log_listener import ContainerRun
from harness.engine.observers.pod_recorder import PodRecorder
from harness.engine.run_spec import (
    RunSpec,
    header_for,
    idle_watch_seconds,
    items_at_start,
    items_for,
)
from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps import first_log_line
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.history import (
    ContainerSeen,
    Event,
    Gap,
    Header,
    ItemEnqueued,
    LogEnded,
    Observation,
    RunEnded,
    payload,
)
from harness.patterns.base import PATTERNS
from harness.patterns.coarse.broker import RabbitMQ
from harness.patterns.fine.broker import RedisServer
from harness.suites.unit.simulator.kubelet import NAME, Cluster, Program
from harness.suites.unit.simulator.rabbit import Pika, Rabbit
from harness.suites.unit.simulator.redis import Client
from harness.suites.unit.simulator.tap import Tap, Wire
from harness.suites.unit.simulator.world import World

T = TypeVar("T")
_STARTED = datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = _STARTED.timestamp()
_PATTERNS: dict[str, Any] = {name: PATTERNS.get(name) for name in ("fine", "coarse")}
#: How often a condition that hangs on the time is looked at, in seconds.
_LOOK = 0.5
_LAST_WORDS = 10.0
#: No wait ends to the millisecond, as it would here.
_MOMENT = 0.3


class Recording:
    """A history that is being written in simulated time: who waits lets it pass."""

    def __init__(self, world: World, header: Header) -> None:
        self._world, self.header, self.epoch = world, header, EPOCH

    @property
    def events(self) -> Sequence[Event]:
        return self._world.events

    def elapsed(self) -> float:
        return self._world.now

    def left(self) -> float:
        return inf

    def in_time(self, what: str) -> None:
        """This check has all the time."""

    def record(self, source: str, what: Observation) -> Event:
        self._world.see(source, what)
        return self._world.events[-1]

    def gap(self, of: str, why: str) -> None:
        self.record("harness", Gap(of, why))

    def wait(self, what: str, find: Callable[[Sequence[Event]], T | None], timeout: float) -> T:
        found = self.wait_or_none(what, find, timeout)
        if found is None:
            raise TimedOut(f"waited {timeout:.0f} s in vain for {what}", expected=what, seen="")
        return found

    def wait_or_none(
        self, _: str, find: Callable[[Sequence[Event]], T | None], timeout: float
    ) -> T | None:
        found: list[T] = []
        known, looked = -1, -1.0

        def over() -> bool:
            nonlocal known, looked
            if found:
                return True
            if len(self.events) == known and self._world.now < looked + _LOOK:
                return False
            known, looked = len(self.events), self._world.now
            one = find(self.events)
            if one is not None:
                found.append(one)
            return one is not None

        end = self._world.now + timeout
        while not over() and self._world.now < end:
            self._world.run(min(end, self._world.now + _LOOK), over)
            looked = -1.0
        return found[0] if found else None

    @contextlib.contextmanager
    def waiting(self, *_: Any) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class Ended:
    """A run that is over: its history, judged; and what it teaches."""

    judged: JudgedRun
    calibration: Calibration | None


class _Provider:
    """Reaches the nodes of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def on_node(self, _: str, *command: str) -> str:
        if command[0] == "ctr":
            self._cluster.kill(command[-1])
        elif command[2] == container_exits.TELL:
            return "\n".join(
                f'{one} {{"FinishedAt":{int(self._cluster.exits[one] * 1e9)}}}'
                for one in command[4:]
            )
        elif command[2] == first_log_line.ARM:
            self._cluster.stop_at_line(command[3], command[6], command[8])
        elif command[2] == first_log_line.TELL:
            return self._cluster.tells(command[3], int(command[4]) / 10)
        return ""

    def node_access_error(self) -> str:
        return ""


class _Namespace:
    """What scenarios do to pods and Jobs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self.timeouts = cluster, Timeouts()

    def delete_pod(self, name: str, grace: int = 0) -> None:
        assert grace == 0
        self._cluster.delete(name)

    def container_id(self, pod: str, _: str) -> str:
        return pod

    def last_line(self, pod: str, _: str) -> str:
        return self._cluster.lines.get(pod, "")

    def scale_job(self, _: str, parallelism: int) -> None:
        self._cluster.scale(parallelism)


def play(
    worker: WorkerUnderTest,
    program: Callable[[Any], Program],
    scenario: Scenario,
    learned: Calibration,
    seed: int,
    *,
    level: Level = "core",
    linger: float = 0.0,
) -> Ended:
    """The whole history of a run, judged. `program` makes a process, of a `Tap` or a `Rabbit`.

    `linger`: seconds for which a process outlives what ends it.
    """
    run = _Simulated(worker, program, scenario, learned, seed)
    run.cluster.linger = linger
    why = run.play()
    header, events = run.recorder.header, tuple(run.world.events)
    judged = JudgedRun(judge(header, events, level), events, why, None)  # type: ignore[arg-type]  # it has no file
    return Ended(judged, run.teaches())


class _Simulated:
    """A run, while it goes on."""

    def __init__(
        self,
        worker: WorkerUnderTest,
        program: Callable[[Any], Program],
        scenario: Scenario,
        learned: Calibration,
        seed: int,
    ) -> None:
        self.worker, self.scenario, self.calibration = worker, scenario, learned
        self.pattern = _PATTERNS[worker.pattern]
        self.world = World(seed)
        station = SimpleNamespace(pattern=self.pattern)
        spec = self.spec = RunSpec(worker, "simulated:1", scenario, station, learned)  # type: ignore[arg-type]
        self.items = items_for(spec)
        header = _since(header_for(spec, self.items))
        self.recorder = Recording(self.world, header)
        queue = self.queue = spec.queue
        self.reader = self.pattern.interpreter(queue, EPOCH, learned.roles, worker.seeding)
        self.tap = Tap(self.world, EPOCH, self.reader.feed)
        self.rabbit = Rabbit(self.tap, queue)
        self.owners = ConnectionOwners(lambda owner: self.world.see("pods", owner))
        self.tap.opened, self.tap.lost = self._opened, self._lost
        patterns = (worker.start_pattern, worker.done_pattern, worker.digest_pattern)
        self.logs = PodRecorder(
            self.recorder,  # type: ignore[arg-type]
            self.owners,
            "job",
            self.items,
            container=NAME,
            patterns=patterns,
            begins=learned.begins,
        )
        fine_one = self.pattern.name == "fine"
        process = program(self.tap if fine_one else self.rabbit)
        self.cluster = Cluster(self.world, self.tap, self.logs, process, job="job", epoch=EPOCH)
        station.provider = _Provider(self.cluster)
        server: Any = Client(self.tap.redis) if fine_one else Pika(self.rabbit)
        self.broker = RedisServer(server) if fine_one else RabbitMQ(server, 1.0)
        self.context = self._context(runner._points(spec, self.items))

    def play(self) -> str:
        """As `runner` does; why it did not come to its end."""
        error = ""
        try:
            self._seed()
            self.scenario.play(self.context)
        except QueuejobError as failure:
            error = str(failure)
        self.world.run(self.world.now + _MOMENT, lambda: False)
        self.context.clear_breakpoints()
        if self.context.ended(self.recorder.events) is not None:
            self.recorder.wait_or_none("the workers' last words", _said, _LAST_WORDS)
        self.tap.silent = True
        for what in self.reader.finish():
            self.recorder.record("tap", what)
        runner._exits(self, self.logs)  # type: ignore[arg-type]
        runner._in_own_words(self)  # type: ignore[arg-type]
        for wire in self.tap.wires:
            if wire.open and self.pattern.name == "coarse":
                self.rabbit.lost(wire)
        dead = runner._dead(self.reader)
        seeding = self.worker.seeding
        places = [find(self) for find in (getattr(runner, "_places", None),) if find]
        left, depth = self.broker.drain(self.queue, self.items, dead, seeding, *places)
        for one in (*left, depth):
            self.recorder.record("broker", one)
        self.recorder.record("harness", RunEnded(error))
        return error

    def teaches(self) -> Calibration | None:
        """As `campaign` has it."""
        view = build_model(self.recorder.header, self.recorder.events)
        if not view.attempts:
            return None
        roles = getattr(self.reader, "roles", None)
        settles = any(one.settled and not one.settled.at_once for one in view.attempts)
        begins = (
            ""
            if self.worker.start_pattern
            else phrase_learning.learned_phrase(self.world.events, self.items)
        )
        known = roles().fault_free() if roles else None
        return Calibration(measure(view), known, settles, begins=begins)

    def _seed(self) -> None:
        first = items_at_start(self.spec, len(self.items))
        self.rest = list(self.items[first:])
        self._put(self.items[:first])

    def _add(self) -> bool:
        if not self.rest:
            return False
        self._put([self.rest.pop(0)])
        return True

    def _put(self, items: Sequence[bytes]) -> None:
        if self.pattern.name == "coarse":
            for item in items:
                self.recorder.record("harness", ItemEnqueued(payload(item), self.queue))
        self.broker.seed(self.queue, items, self.worker.seeding)
        if self.pattern.name == "fine":
            self.tap.redis.tick()

    def _context(self, points: Any) -> ScenarioContext:
        station = SimpleNamespace(
            pattern=self.pattern,
            namespace=_Namespace(self.cluster),
            provider=_Provider(self.cluster),
            broker=self.broker,
            tap=self.tap,
        )
        return ScenarioContext(
            scenario=self.scenario,
            testbed=station,  # type: ignore[arg-type]
            recorder=self.recorder,  # type: ignore[arg-type]
            owners=self.owners,
            calibration=self.calibration,
            points=points,
            items=self.items,
            start=self._start,
            read=lambda worker: self.logs.read.get(
                ContainerRun(self.context.pod(worker).name, NAME, worker.run), ""
            ),
            remains=lambda: (),
            set_aside=lambda: 0,
            send=lambda queue, items: None,  # noqa: ARG005
            job="job",
            queue=self.queue,
            container=NAME,
            fill=self._seed,
            add=self._add,
            idle_watch=idle_watch_seconds(self.spec),
        )

    def _start(self) -> None:
        completions = self.scenario.completions
        if self.pattern.name == "coarse":
            completions = len(self.items) + self.scenario.more_completions
        self.cluster.start(self.scenario.parallelism, completions)

    def _opened(self, wire: Wire) -> None:
        self.owners.opened(wire.number, wire.address, self.world.now)
        if self.pattern.name == "coarse":
            self.rabbit.opened(wire)

    def _lost(self, wire: Wire) -> None:
        if self.pattern.name == "coarse":
            self.rabbit.lost(wire)


def _since(header: Header) -> Header:
    return msgspec.structs.replace(header, started=_STARTED)


def _said(events: Sequence[Event]) -> bool | None:
    states = {
        event.what.worker: event.what.state
        for event in events
        if isinstance(event.what, ContainerSeen)
    }
    ended = {event.what.worker for event in events if isinstance(event.what, LogEnded)}
    begun = {worker for worker, state in states.items() if state != "waiting"}
    over = all(states[worker] == "terminated" for worker in begun)
    return True if over and begun <= ended else None
