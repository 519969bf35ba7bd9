"""What a scenario can do to a run that goes on: start the Job, stop workers at points, wait."""

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

#: Where an item fails again and again, the end is waited for so many times its bound at most.
_FAILING = 2

#: Pods at once, as on the task pages.
_TWO = 2
#: Makes a run's items, from the page's names and a mark that is in no other run's.
Payloads = Callable[[Sequence[str], str], Sequence[bytes]]


def find_scenario(name: str) -> Scenario:
    """The scenario of a module (or an entry point); `UsageError` names those that exist."""
    found = SCENARIOS.get(name)
    if not isinstance(found, Scenario):
        raise UsageError(
            f"{name!r} is no scenario",
            expected="a harness.engine.scenario.Scenario",
            seen=repr(found),
        )
    return found


def playable_scenarios(pattern: str, level: Level = "core") -> dict[str, Scenario]:
    """A profile's scenarios of a pattern by module name, in the order in which they begin."""
    return {name: find_scenario(name) for name in scenarios(pattern, level)}


class ScenarioNotApplicable(InfrastructureError):
    """This worker has no such moment: the scenario cannot be played, so nothing is proved by it."""


@dataclass(frozen=True)
class Scenario:
    """One way to run a Job. `play` is called once the items are there; it starts the Job."""

    name: str
    #: One sentence for a reader.
    says: str
    #: By pattern: the invariants that this scenario is to prove.
    proves: dict[str, tuple[str, ...]]
    play: Callable[[ScenarioContext], None]
    #: The faults that must be confirmed.
    faults: tuple[str, ...] = ()
    #: How many items; None: all of the task page's.
    items: int | None = None
    parallelism: int = _TWO
    #: Coarse: how many completions more than items.
    more_completions: int = 0
    #: Fine: `completions` of the Job, which the task page leaves out.
    completions: int | None = None
    #: One of the items makes the worker's handler fail.
    failing: bool = False
    #: The first profile that it is a part of; what it `proves` may be of another.
    level: Level = "core"
    #: What the items are, where not just the names of the task page.
    payloads: Payloads | None = None
    #: Coarse: so often the queue gives out an item before it sets it aside, or as often as the
    #: worker's user says if that is less; None: it counts nothing, as on the task page.
    tries: int | None = None
    #: There is no queue until `play` fills it.
    late: bool = False
    #: `play` adds items: at first there are as many as `at_first` of harness.engine.run_spec says.
    adds: bool = False
    #: Fine: as many items as are worked off in so many seconds, if that is more than `items`.
    seconds: float = 0.0
    #: Added to the pods' spec.
    pod: Mapping[str, Any] | None = None
    #: There is another Job with the same worker, and a queue of its own.
    neighbour: bool = False
    #: It takes long: whoever plays several at once begins with it.
    long: bool = False

    @property
    def shaped(self) -> bool:
        """It needs a Job of a certain shape, so a user's own does not do."""
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
    """A run that goes on. Moments are seconds since its start; every wait is bounded."""

    scenario: Scenario
    testbed: Testbed
    recorder: Recorder
    owners: ConnectionOwners
    calibration: Calibration
    points: Points
    items: tuple[bytes, ...]
    #: Starts the Job with so many pods at once.
    start: Callable[[], None]
    #: What has been read of a worker's log: the kubelet's moment of its last line.
    read: Callable[[Worker], str]
    #: What the workers have left in the broker, beside items: by name.
    remains: Callable[[], tuple[str, ...]]
    #: How many items the broker has set aside by itself.
    set_aside: Callable[[], int]
    #: Puts items into another queue, in the way in which this worker wants them.
    send: Callable[[str, Sequence[bytes]], None]
    job: str
    queue: str
    container: str
    #: Puts the items into the queue, where that is late.
    fill: Callable[[], None] = lambda: None
    #: Puts one item more into the queue; False where there is none.
    add: Callable[[], bool] = lambda: False
    #: Seconds for which a worker without work is watched for leaving too early.
    idle_watch: float = 0.0
    #: The Job by this name of other workers like these, with their queue and so many items.
    another: Callable[[str, str, int], Manifest] | None = None
    #: RabbitMQ: how the queue was declared, beside that it is durable.
    declared: str = ""
    _traps: list[BreakpointHandle] = field(default_factory=list)
    _containers: dict[Worker, str] = field(default_factory=dict)

    @property
    def bounds(self) -> Bounds:
        return self.recorder.header.bounds

    @property
    def start_timeout(self) -> float:
        """Seconds for a worker to come to a point: its pod has to start, and may fail before."""
        return self.testbed.namespace.timeouts.pod_ready

    # -- points -------------------------------------------------------------------------------

    def set_breakpoint(self, point: Point | None, address: str | None = None) -> BreakpointHandle:
        """Stop the first worker that comes to a point.

        Raises `ScenarioNotApplicable` where the wire does not show that point.
        """
        if point is None:
            raise ScenarioNotApplicable(
                f"the scenario {self.scenario.name!r} cannot be played",
                expected="a command by which this worker reports an item as done",
                seen="none in the fault-free run",
                todo="see the other scenarios: what a worker never reports, nobody can take back",
            )
        trap = self.testbed.tap.set_breakpoint(point, address)
        self._traps.append(trap)
        return trap

    def resume(self, trap: BreakpointHandle) -> None:
        """Let whoever was caught go on."""
        trap.release()
        self._traps.remove(trap)

    def clear_breakpoints(self, *traps: BreakpointHandle) -> None:
        """Give up these traps; all, where none is named."""
        for trap in traps or tuple(self._traps):
            trap.clear()
            self._traps.remove(trap)

    def resume_client(self, address: str) -> None:
        """Catch nobody any more, and let all go on that is held of a client.

        In this order: who came to a trap between the two would be held for ever.
        """
        self.clear_breakpoints()
        self.testbed.tap.release(address)

    def wait_for_hit(self, trap: BreakpointHandle, timeout: float | None = None) -> RemoteHit:
        """Who came to the point first."""
        bound = timeout or self.start_timeout
        what = f"a worker at the point {trap.point.name!r}"
        with self.recorder.waiting(what, bound):
            try:
                return trap.caught(min(bound, max(0.0, self.recorder.left())))
            except TimedOut:
                self.recorder.in_time(what)
                raise

    def worker_at(self, address: str, but: Collection[Worker] = ()) -> Worker:
        """Whose address this is: the run of the container that is there now, none of `but`."""

        def find(_: Sequence[Event]) -> Worker | None:
            worker = self.owners.current_run(address)
            return None if worker in but else worker

        return self.recorder.wait(f"the pod with the address {address}", find, self.start_timeout)

    # -- looking ------------------------------------------------------------------------------

    def wait(self, what: str, find: Callable[[Sequence[Event]], T | None], timeout: float) -> T:
        """What `find` makes of the events so far, as soon as it is not None."""
        return self.recorder.wait(what, find, timeout)

    def pod(self, worker: Worker) -> PodSeen:
        """The pod of a worker, as it was seen last."""
        pods = [
            event.what
            for event in self.recorder.events
            if isinstance(event.what, PodSeen) and event.what.pod == worker.pod
        ]
        return pods[-1]

    def container_of(self, worker: Worker) -> str:
        """The id by which the node knows a worker's container; asked for once."""
        if worker not in self._containers:
            found = self.testbed.namespace.container_id(self.pod(worker).name, self.container)
            self._containers[worker] = found
        return self._containers[worker]

    def drain_log(self, worker: Worker) -> None:
        """Wait until all that a worker has written up to now is recorded."""
        at = self.recorder.elapsed()
        pod = self.pod(worker).name
        last = self.testbed.namespace.last_line(pod, self.container).partition(" ")[0]

        def find(_: Sequence[Event]) -> bool | None:
            # Moments of one form: as text they are ordered as they are in time.
            return True if self.read(worker).rstrip("Z") >= last.rstrip("Z") else None

        self.wait(f"the log of {pod} up to {last}", find, self.testbed.namespace.timeouts.settle)
        self.recorder.record("logs", LogCaughtUp(worker, at))

    def ended(self, events: Sequence[Event]) -> int | None:
        """The event that shows the end of the Job."""
        for event in reversed(events):
            if isinstance(event.what, JobSeen):
                for one in event.what.conditions:
                    if one.type in ("Complete", "Failed") and one.status == "True":
                        return event.id
                return None
        return None

    def wait_for_first_connection(self) -> None:
        """Wait until a worker has reached the broker, or the Job has ended without.

        `InfrastructureError` says why nobody can, with the last words of a worker.
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
        """Wait for the first item that is given to anybody.

        `InfrastructureError` where the broker refuses what workers need for that.
        """

        def find(events: Sequence[Event]) -> bool | None:
            self.check_refusals(events)
            given = any(isinstance(event.what, ItemDelivered) for event in events)
            return True if given or self.ended(events) is not None else None

        self.recorder.wait_or_none("an item to be given to somebody", find, self.bounds.progress)

    def check_refusals(self, events: Sequence[Event]) -> None:
        """Raise `InfrastructureError` where the broker refuses what workers need to begin."""
        refused = conditions.turned_down(events, self.recorder.elapsed())
        if refused is None:
            return
        own = refused.queue == self.queue
        asked = ", ".join(refused.wanted)
        todo = "see what the worker asks of the broker, and whether it has to be there before"
        if own and asked:
            options = " ".join(f"--queue-args {one}" for one in refused.wanted)
            todo = f"let the harness declare {self.queue} like this: {options}"
        elif own:
            todo = (
                "declare the queue durable and without arguments, as the harness does, or say with "
                "--queue-args NAME=VALUE how the harness is to declare it"
            )
        raise InfrastructureError(
            f"the broker refuses what workers ask for, so none can begin: {refused.why}",
            expected=f"a queue {self.queue} that the worker takes as the harness declared it: "
            f"durable{self.declared}"
            if own
            else f"a broker that grants {refused.method or 'all that the worker asks for'}",
            seen=f"{refused.method} of {refused.queue} with {asked or 'no arguments'}: "
            f"{refused.code} {refused.why}"
            if own
            else f"{refused.code} {refused.why}",
            todo=todo,
        )

    def _connected(self, events: Sequence[Event]) -> bool | None:
        for event in reversed(events):
            if isinstance(event.what, ConnectionOpened):
                return True
            if isinstance(event.what, ConnectionRefused):
                raise InfrastructureError(f"a worker was turned away: {event.what.why}")
        standing = self._standing(events)
        obstacle = not_running(standing)
        if obstacle and self.recorder.elapsed() >= obstacle.since + obstacle.patience:
            raise InfrastructureError(
                f"no worker gets to run: {obstacle.why}",
                expected="a container that starts and connects",
                seen=self.describe_last_output(),
                todo=obstacle.todo,
            )
        if standing.job.complete is not None:
            return True
        if standing.job.failed is not None:
            raise InfrastructureError(
                "the Job failed before a worker had reached the broker: "
                f"{standing.job.reason or 'nobody says why'} ({clean(standing.job.why)})",
                expected="a worker that connects to the broker",
                seen=self.describe_last_output(),
                todo="see what the worker wrote; give what it needs with --env or --manifests",
            )
        for event in events:
            what = event.what
            if isinstance(what, ContainerSeen) and what.reason in HOPELESS:
                raise InfrastructureError(
                    "the worker ends again and again, and has not reached the broker",
                    expected="a container that starts and connects",
                    seen=f"{what.reason}; {self.describe_last_output()}",
                    todo="see what the worker wrote; tell it where the broker is "
                    "(--env NAME={host}, {port} or {url}), and what else it needs",
                )
        return None

    @staticmethod
    def _standing(events: Sequence[Event]) -> ClusterState:
        """What the cluster told last of the Job and its pods."""
        table = ClusterTable()
        for event in events:
            if (take := table.takes.get(type(event.what))) is not None:
                take(event, event.what)
        return ClusterState.of(table)

    def describe_last_output(self) -> str:
        """How workers have ended, and what they wrote last."""
        ends = {
            f"exit code {event.what.exit_code}"
            for event in self.recorder.events
            if isinstance(event.what, ContainerSeen) and event.what.exit_code is not None
        }
        lines = [
            shown(event.what.text)
            for event in self.recorder.events
            if isinstance(event.what, LogLine)
        ]
        cut = {
            event.what.why
            for event in self.recorder.events
            if isinstance(event.what, LogEnded) and not event.what.whole
        }
        words = " | ".join([*lines[-3:], *sorted(cut)]) or "nothing"
        return f"workers ended with {', '.join(sorted(ends)) or 'nothing yet'}, and wrote: {words}"

    def wait_until_started(self, worker: Worker, caught: RemoteHit) -> None:
        """Wait until a worker that was let go says that it has begun, or is held once more.

        Returns at once where the fault-free run has shown no such words: what was delivered to
        a worker that has nothing else counts as begun.
        """
        known = self.calibration.figures
        late = known.log_live is False  # its words may come when all is over
        if (known.starts_matched is None or late) and not self._traps:
            return

        find = conditions.started_or_held_again(worker, caught.connection, caught.address)
        self.wait("the worker to begin its item", find, self.start_timeout)

    def wait_for_the_end(self) -> None:
        """Until the Job has ended, or nothing brought it nearer to that for as long as it may take.

        Which of them it was is for the judge to say, by the same rule.
        """
        begun, what = self.recorder.elapsed(), "the end of the Job"
        left = self.bounds.end
        while left > 0:
            if self.recorder.wait_or_none(what, self.ended, left) is not None:
                return
            left = self._time_left(begun)

    def _time_left(self, begun: float) -> float:
        """Seconds for which it is worth to wait on, `begun` at a moment."""
        events = tuple(self.recorder.events)
        view, now = build_model(self.recorder.header, events), self.recorder.elapsed()
        calm = max(view.fault_log.stable_since or 0.0, begun)
        by = progress_deadline(view, calm, now).by
        if self.recorder.header.failing_item is not None:  # for which there is no end of pauses
            by = min(by, begun + _FAILING * self.bounds.end)
        return by - now

    @property
    def lease(self) -> float | None:
        """Seconds of a lease that are waited for; None where no lease was seen."""
        return self.calibration.lease

    @property
    def reclaim(self) -> float:
        """Seconds to wait for an item to come to another worker, also where nobody can tell."""
        return (
            CALIBRATION_BOUNDS.reclaim or 0.0
            if self.bounds.reclaim is None
            else self.bounds.reclaim
        )

    def whole_lease(self) -> float:
        """Seconds of this worker's lease.

        Raises `ScenarioNotApplicable` where its end cannot be waited for.
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

    # -- harm ---------------------------------------------------------------------------------

    def cut_off(self, fault: str, to: str, worker: Worker, address: str) -> int:
        """Cut a worker off from its broker for good, as its death does; the id of that event.

        Nothing that it says from then on counts, however long the cluster takes to end it. It
        hears nothing of that, so it cannot end by itself before. `let_back` is for its successor.
        """
        self.testbed.tap.hold(address)
        event = self.injected(fault, to, worker, cut_off=True)
        self.testbed.tap.sever(address)
        return event

    def injected(
        self, fault: str, to: str, worker: Worker | None = None, *, cut_off: bool = False
    ) -> int:
        """Record that harm is done from now on; the id of that event.

        It befalls the run of the worker's container that is there by now.
        """
        worker = worker and self.owners.newest_run(worker)
        event = self.recorder.record("harness", FaultInjected(fault, to, worker, None, cut_off))
        if worker is not None:
            self.owners.note_alive(worker, self.recorder.elapsed())
        return event.id if event else 0

    def landed(self, fault: str, worker: Worker, at: float | None = None) -> None:
        """Record that from now on, or since a moment, a worker does nothing more."""
        moment = self.recorder.elapsed() if at is None else at
        self.recorder.record("harness", FaultLanded(fault, worker, moment))

    def confirmed(self, fault: str, *evidence: int) -> None:
        """Record that it was seen to land."""
        ids = tuple(sorted(set(evidence)))
        self.recorder.record("harness", FaultConfirmed(fault, ids))

    def healed(self, fault: str) -> None:
        """Record that the harm is over: from here on the worker has to get along."""
        self.recorder.record("harness", FaultHealed(fault))
