"""A scenario, and what it can do to its run: start the Job, stop workers at points, wait."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.checks.levels import Level
from harness.checks.model import (
    ClusterState,
    ClusterTable,
    build_model,
    not_running,
    progress_deadline,
)
from harness.checks.plan import SCENARIOS, scenarios
from harness.core.errors import InfrastructureError, TimedOut, UsageError
from harness.core.text import clean
from harness.engine import conditions
from harness.engine.calibration import CALIBRATION_BOUNDS, Calibration
from harness.engine.observers.connection_owners import ConnectionOwners
from harness.engine.observers.recorder import Recorder
from harness.engine.testbed import Testbed
from harness.history import (
    Bounds,
    ConnectionOpened,
    ConnectionRefused,
    ContainerSeen,
    Event,
    FaultConfirmed,
    FaultHealed,
    FaultInjected,
    FaultLanded,
    ItemDelivered,
    JobSeen,
    LogCaughtUp,
    LogEnded,
    LogLine,
    PodSeen,
    Worker,
)
from harness.history.preview import shown
from harness.infra.kube import Manifest
from harness.infra.kube.pod_diagnosis import HOPELESS
from harness.patterns.base import Points
from harness.tap.control.client import BreakpointHandle, RemoteHit
from harness.tap.points import Point

T = TypeVar("T")

#: With an item that fails again and again, wait for the end at most this many times `Bounds.end`.
_FAILING = 2

#: Pods at once, as in the Kubernetes tutorials.
_TWO = 2
#: Makes a run's items from the tutorial's names and a suffix that no other run uses.
Payloads = Callable[[Sequence[str], str], Sequence[bytes]]


def find_scenario(name: str) -> Scenario:
    """Return the scenario of a module (or an entry point).

    Raises `UsageError`, which names the scenarios that exist.
    """
    scenario = SCENARIOS.get(name)
    if not isinstance(scenario, Scenario):
        raise UsageError(
            f"{name!r} is no scenario",
            expected="a harness.engine.scenario.Scenario",
            seen=repr(scenario),
        )
    return scenario


def playable_scenarios(pattern: str, level: Level = "core") -> dict[str, Scenario]:
    """Return a profile's scenarios of a pattern by module name, in the order they begin."""
    return {name: find_scenario(name) for name in scenarios(pattern, level)}


class ScenarioNotApplicable(InfrastructureError):
    """This worker has no such moment, so the scenario cannot be played and proves nothing."""


@dataclass(frozen=True)
class Scenario:
    """One way to run a Job.

    The runner calls `play` once the items are in the queue; `play` starts the Job.
    """

    name: str
    #: One sentence that describes the scenario to a reader.
    says: str
    #: By pattern: the invariants that this scenario is to prove.
    proves: dict[str, tuple[str, ...]]
    play: Callable[[ScenarioContext], None]
    #: The faults that must be confirmed.
    faults: tuple[str, ...] = ()
    #: How many items; None: all of the tutorial's.
    items: int | None = None
    parallelism: int = _TWO
    #: Coarse: by how much the Job's `completions` exceed the number of items.
    more_completions: int = 0
    #: Fine: `completions` of the Job, which the tutorial leaves out.
    completions: int | None = None
    #: One of the items makes the worker's handler fail.
    failing: bool = False
    #: The lowest profile that includes it; the invariants in `proves` may belong to another one.
    level: Level = "core"
    #: Makes the items, where they are not just the tutorial's names.
    payloads: Payloads | None = None
    #: Coarse: the queue delivers an item this many times before it dead-letters it, or as often as
    #: `max_attempts` if the user sets less; None: no delivery limit, as in the tutorial.
    tries: int | None = None
    #: The queue does not exist until `play` fills it.
    late: bool = False
    #: `play` adds items; `harness.engine.run_spec.items_at_start` gives how many are there first.
    adds: bool = False
    #: Fine: as many items as one worker finishes in this many seconds, if that exceeds `items`.
    seconds: float = 0.0
    #: Added to the pods' spec.
    pod: Mapping[str, Any] | None = None
    #: A second Job runs the same worker on a queue of its own.
    neighbour: bool = False
    #: It takes long: a campaign that plays several scenarios at once begins with it.
    long: bool = False

    @property
    def shaped(self) -> bool:
        """Whether it needs a Job of a certain shape, so that the user's own Job does not fit."""
        return (
            self.parallelism != _TWO
            or self.completions is not None
            or self.more_completions != 0
            or self.payloads is not None
            or self.pod is not None
            or self.neighbour
        )


@dataclass
class ScenarioContext:
    """A run in progress, as its scenario drives it.

    Moments are seconds since the run's start; every wait is bounded.
    """

    scenario: Scenario
    testbed: Testbed
    recorder: Recorder
    owners: ConnectionOwners
    calibration: Calibration
    points: Points
    items: tuple[bytes, ...]
    #: Starts the Job.
    start: Callable[[], None]
    #: How far a worker's log has been read: the kubelet's timestamp of the last line.
    read: Callable[[Worker], str]
    #: Names of what the workers left in the broker in addition to items.
    remains: Callable[[], tuple[str, ...]]
    #: How many items the broker dead-lettered automatically.
    set_aside: Callable[[], int]
    #: Puts items into another queue, in the form that this worker expects.
    send: Callable[[str, Sequence[bytes]], None]
    job: str
    queue: str
    container: str
    #: Puts the items into the queue, where the scenario is `late`.
    fill: Callable[[], None] = lambda: None
    #: Puts one more item into the queue; False where no item is left.
    add: Callable[[], bool] = lambda: False
    #: Seconds for which the harness watches whether a worker without work exits too early.
    idle_watch: float = 0.0
    #: Builds a second Job of the same worker from a name, a queue and a number of items.
    another: Callable[[str, str, int], Manifest] | None = None
    #: RabbitMQ: how the queue was declared, in addition to `durable`.
    declared: str = ""
    _breakpoints: list[BreakpointHandle] = field(default_factory=list)
    _containers: dict[Worker, str] = field(default_factory=dict)

    @property
    def bounds(self) -> Bounds:
        return self.recorder.header.bounds

    @property
    def start_timeout(self) -> float:
        """Seconds for a worker to reach a point: its pod has to start, and may fail before."""
        return self.testbed.namespace.timeouts.pod_ready

    # -- points -------------------------------------------------------------------------------

    def set_breakpoint(self, point: Point | None, address: str | None = None) -> BreakpointHandle:
        """Stop the first worker that reaches a point.

        Raises `ScenarioNotApplicable` where the wire does not show that point.
        """
        if point is None:
            raise ScenarioNotApplicable(
                f"the scenario {self.scenario.name!r} cannot be played",
                expected="a command by which this worker reports an item as done",
                seen="none in the fault-free run",
                todo="see the other scenarios: what a worker never reports, nobody can take back",
            )
        breakpoint_handle = self.testbed.tap.set_breakpoint(point, address)
        self._breakpoints.append(breakpoint_handle)
        return breakpoint_handle

    def resume(self, trap: BreakpointHandle) -> None:
        """Let the worker that hit this breakpoint go on."""
        trap.release()
        self._breakpoints.remove(trap)

    def clear_breakpoints(self, *traps: BreakpointHandle) -> None:
        """Clear these breakpoints; all of them, where none is given."""
        for trap in traps or tuple(self._breakpoints):
            trap.clear()
            self._breakpoints.remove(trap)

    def resume_client(self, address: str) -> None:
        """Clear all breakpoints, then release every connection that is held of a client.

        In this order: a worker that hit a breakpoint between the two would be held for ever.
        """
        self.clear_breakpoints()
        self.testbed.tap.release(address)

    def wait_for_hit(self, trap: BreakpointHandle, timeout: float | None = None) -> RemoteHit:
        """Wait for the first worker that reaches the point, and return its hit."""
        seconds = timeout or self.start_timeout
        description = f"a worker at the point {trap.point.name!r}"
        with self.recorder.waiting(description, seconds):
            try:
                return trap.caught(min(seconds, max(0.0, self.recorder.left())))
            except TimedOut:
                self.recorder.in_time(description)
                raise

    def worker_at(self, address: str, but: Collection[Worker] = ()) -> Worker:
        """Return the worker at an address: the current container run, none of `but`."""

        def find(_: Sequence[Event]) -> Worker | None:
            worker = self.owners.current_run(address)
            return None if worker in but else worker

        return self.recorder.wait(f"the pod with the address {address}", find, self.start_timeout)

    # -- waiting and inspecting -----------------------------------------------------------------

    def wait(self, what: str, find: Callable[[Sequence[Event]], T | None], timeout: float) -> T:
        """Wait until `find` returns something other than None for the events so far; return it."""
        return self.recorder.wait(what, find, timeout)

    def pod(self, worker: Worker) -> PodSeen:
        """Return a worker's pod as it was last seen."""
        pods = [
            event.what
            for event in self.recorder.events
            if isinstance(event.what, PodSeen) and event.what.pod == worker.pod
        ]
        return pods[-1]

    def container_of(self, worker: Worker) -> str:
        """Return the id by which the node knows a worker's container; queried once each."""
        if worker not in self._containers:
            container_id = self.testbed.namespace.container_id(
                self.pod(worker).name, self.container
            )
            self._containers[worker] = container_id
        return self._containers[worker]

    def drain_log(self, worker: Worker) -> None:
        """Wait until everything that a worker has written up to now is recorded."""
        now = self.recorder.elapsed()
        pod = self.pod(worker).name
        last_stamp = self.testbed.namespace.last_line(pod, self.container).partition(" ")[0]

        def find(_: Sequence[Event]) -> bool | None:
            # Timestamps of one format sort as text in the order of time.
            return True if self.read(worker).rstrip("Z") >= last_stamp.rstrip("Z") else None

        self.wait(
            f"the log of {pod} up to {last_stamp}", find, self.testbed.namespace.timeouts.settle
        )
        self.recorder.record("logs", LogCaughtUp(worker, now))

    def ended(self, events: Sequence[Event]) -> int | None:
        """Return the id of the event that shows the end of the Job, or None."""
        for event in reversed(events):
            if isinstance(event.what, JobSeen):
                for condition in event.what.conditions:
                    if condition.type in ("Complete", "Failed") and condition.status == "True":
                        return event.id
                return None
        return None

    def wait_for_first_connection(self) -> None:
        """Wait until a worker has connected to the broker, or the Job ended without that.

        Raises `InfrastructureError`, which explains why no worker can connect and quotes the last
        log lines.
        """
        try:
            self.wait("a worker to connect to the broker", self._connected, self.start_timeout)
        except TimedOut as error:
            broker = f"{self.testbed.pattern.service}:{self.testbed.pattern.port}"
            raise InfrastructureError(
                f"no worker has connected to the broker within {self.start_timeout:.0f} s",
                expected=f"a connection to {broker}",
                seen=f"{error.seen}; {self.describe_last_output()}",
                todo="tell the worker where the broker is: --env NAME={host}, {port} or {url}, and "
                "see what it wrote",
            ) from None

    def wait_until_any_starts(self) -> None:
        """Wait until the broker delivers the first item to any worker.

        Raises `InfrastructureError` where the broker refuses what workers need for that.
        """

        def find(events: Sequence[Event]) -> bool | None:
            self.check_refusals(events)
            delivered = any(isinstance(event.what, ItemDelivered) for event in events)
            return True if delivered or self.ended(events) is not None else None

        self.recorder.wait_or_none("an item to be given to somebody", find, self.bounds.progress)

    def check_refusals(self, events: Sequence[Event]) -> None:
        """Raise `InfrastructureError` where the broker refuses what workers need to begin."""
        refusal = conditions.refused_requests(events, self.recorder.elapsed())
        if refusal is None:
            return
        own_queue = refusal.queue == self.queue
        arguments = ", ".join(refusal.wanted)
        todo = "see what the worker asks of the broker, and whether it has to be there before"
        if own_queue and arguments:
            options = " ".join(f"--queue-args {argument}" for argument in refusal.wanted)
            todo = f"let the harness declare {self.queue} like this: {options}"
        elif own_queue:
            todo = (
                "declare the queue durable and without arguments, as the harness does, or say with "
                "--queue-args NAME=VALUE how the harness is to declare it"
            )
        raise InfrastructureError(
            f"the broker refuses what workers ask for, so none can begin: {refusal.why}",
            expected=f"a queue {self.queue} that the worker takes as the harness declared it: "
            f"durable{self.declared}"
            if own_queue
            else f"a broker that grants {refusal.method or 'all that the worker asks for'}",
            seen=f"{refusal.method} of {refusal.queue} with {arguments or 'no arguments'}: "
            f"{refusal.code} {refusal.why}"
            if own_queue
            else f"{refusal.code} {refusal.why}",
            todo=todo,
        )

    def _connected(self, events: Sequence[Event]) -> bool | None:
        for event in reversed(events):
            if isinstance(event.what, ConnectionOpened):
                return True
            if isinstance(event.what, ConnectionRefused):
                raise InfrastructureError(f"a worker was turned away: {event.what.why}")
        state = self._cluster_state(events)
        obstacle = not_running(state)
        if obstacle and self.recorder.elapsed() >= obstacle.since + obstacle.patience:
            raise InfrastructureError(
                f"no worker gets to run: {obstacle.why}",
                expected="a container that starts and connects",
                seen=self.describe_last_output(),
                todo=obstacle.todo,
            )
        if state.job.complete is not None:
            return True
        if state.job.failed is not None:
            raise InfrastructureError(
                "the Job failed before a worker had reached the broker: "
                f"{state.job.reason or 'nobody says why'} ({clean(state.job.why)})",
                expected="a worker that connects to the broker",
                seen=self.describe_last_output(),
                todo="see what the worker wrote; give what it needs with --env or --manifests",
            )
        for event in events:
            observation = event.what
            if isinstance(observation, ContainerSeen) and observation.reason in HOPELESS:
                raise InfrastructureError(
                    "the worker ends again and again, and has not reached the broker",
                    expected="a container that starts and connects",
                    seen=f"{observation.reason}; {self.describe_last_output()}",
                    todo="see what the worker wrote; tell it where the broker is "
                    "(--env NAME={host}, {port} or {url}), and what else it needs",
                )
        return None

    @staticmethod
    def _cluster_state(events: Sequence[Event]) -> ClusterState:
        """Return the latest state of the Job and its pods that the cluster reported."""
        table = ClusterTable()
        for event in events:
            if (record := table.takes.get(type(event.what))) is not None:
                record(event, event.what)
        return ClusterState.of(table)

    def describe_last_output(self) -> str:
        """Describe how workers exited and what they wrote last."""
        codes = {
            f"exit code {event.what.exit_code}"
            for event in self.recorder.events
            if isinstance(event.what, ContainerSeen) and event.what.exit_code is not None
        }
        lines = [
            shown(event.what.text)
            for event in self.recorder.events
            if isinstance(event.what, LogLine)
        ]
        cut_short = {
            event.what.why
            for event in self.recorder.events
            if isinstance(event.what, LogEnded) and not event.what.whole
        }
        output = " | ".join([*lines[-3:], *sorted(cut_short)]) or "nothing"
        return (
            f"workers ended with {', '.join(sorted(codes)) or 'nothing yet'}, and wrote: {output}"
        )

    def wait_until_started(self, worker: Worker, caught: RemoteHit) -> None:
        """Wait until a resumed worker logs that it began its item, or is held again.

        Returns at once where the fault-free run showed no start lines: an item that was delivered
        to a worker without any other item counts as begun.
        """
        figures = self.calibration.figures
        logs_late = figures.log_live is False  # its lines may arrive only after the run
        if (figures.starts_matched is None or logs_late) and not self._breakpoints:
            return

        find = conditions.started_or_held_again(worker, caught.connection, caught.address)
        self.wait("the worker to begin its item", find, self.start_timeout)

    def wait_for_the_end(self) -> None:
        """Wait until the Job ends, or makes no progress for the longest time that is allowed.

        The judge decides which of the two it was, by the same rule.
        """
        since, description = self.recorder.elapsed(), "the end of the Job"
        remaining = self.bounds.end
        while remaining > 0:
            if self.recorder.wait_or_none(description, self.ended, remaining) is not None:
                return
            remaining = self._remaining_time(since)

    def _remaining_time(self, begun: float) -> float:
        """Return the seconds for which it is worth to wait on, in a wait that began at `begun`."""
        events = tuple(self.recorder.events)
        model, now = build_model(self.recorder.header, events), self.recorder.elapsed()
        calm_since = max(model.fault_log.stable_since or 0.0, begun)
        deadline = progress_deadline(model, calm_since, now).by
        if self.recorder.header.failing_item is not None:  # its retries have no end
            deadline = min(deadline, begun + _FAILING * self.bounds.end)
        return deadline - now

    @property
    def lease(self) -> float | None:
        """Seconds to wait for a lease to end; None where no lease was seen."""
        return self.calibration.lease

    @property
    def reclaim(self) -> float:
        """Seconds to wait for an item to come to another worker, also where no bound is known."""
        return (
            CALIBRATION_BOUNDS.reclaim or 0.0
            if self.bounds.reclaim is None
            else self.bounds.reclaim
        )

    def whole_lease(self) -> float:
        """Return the seconds of this worker's lease.

        Raises `ScenarioNotApplicable` where the end of the lease cannot be waited for.
        """
        lease, longest = self.calibration.figures.lease, self.calibration.ceiling
        if lease is None:
            raise ScenarioNotApplicable(
                f"the scenario {self.scenario.name!r} cannot be played",
                expected="a lease whose end can be waited for",
                seen="none in the fault-free run",
            )
        if lease > longest:
            work = self.calibration.figures.most_work
            times = f", {lease / work:.0f} times the longest work on an item" if work else ""
            raise ScenarioNotApplicable(
                f"the scenario {self.scenario.name!r} cannot be played: the lease is too long",
                expected=f"a lease of {longest:.0f} s at most, whose end can be waited for",
                seen=f"one of {lease:.0f} s{times}",
                todo="give the worker a shorter lease, or items on which it works for longer",
            )
        return lease

    # -- fault log ------------------------------------------------------------------------------

    def cut_off(self, fault: str, to: str, worker: Worker, address: str) -> int:
        """Cut a worker off from its broker for good, as its death does; return the event's id.

        Nothing that the worker sends from then on counts, however long the cluster takes to end it.
        The worker does not notice the cut, so it cannot exit before because of it.
        `TapClient.let_back` lets its successor in.
        """
        self.testbed.tap.hold(address)
        event_id = self.injected(fault, to, worker, cut_off=True)
        self.testbed.tap.sever(address)
        return event_id

    def injected(
        self, fault: str, to: str, worker: Worker | None = None, *, cut_off: bool = False
    ) -> int:
        """Record that a fault is injected from now on; return the event's id.

        The fault is attributed to the container run that is current now.
        """
        worker = worker and self.owners.newest_run(worker)
        event = self.recorder.record("harness", FaultInjected(fault, to, worker, None, cut_off))
        if worker is not None:
            self.owners.note_alive(worker, self.recorder.elapsed())
        return event.id if event else 0

    def landed(self, fault: str, worker: Worker, at: float | None = None) -> None:
        """Record that a worker does nothing more from now on, or since the moment `at`."""
        moment = self.recorder.elapsed() if at is None else at
        self.recorder.record("harness", FaultLanded(fault, worker, moment))

    def confirmed(self, fault: str, *evidence: int) -> None:
        """Record that the fault was seen to land."""
        ids = tuple(sorted(set(evidence)))
        self.recorder.record("harness", FaultConfirmed(fault, ids))

    def healed(self, fault: str) -> None:
        """Record that the fault is over: from here on the worker has to recover."""
        self.recorder.record("harness", FaultHealed(fault))
