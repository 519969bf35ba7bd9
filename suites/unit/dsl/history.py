"""Histories for tests, written like a story: who did what, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from harness.checks.judge import judge
from harness.checks.model import RunModel, build_model
from harness.checks.verdict import Finding, Outcome, Verdict
from harness.history import (
    SCHEMA,
    AskedForItem,
    Bounds,
    BrokerBack,
    BrokerDepth,
    BrokerLost,
    Condition,
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionOwner,
    ConnectionReleased,
    ContainerSeen,
    Event,
    FaultConfirmed,
    FaultHealed,
    FaultInjected,
    Figures,
    FoundEmpty,
    Gap,
    Guess,
    Header,
    ItemDelivered,
    ItemDone,
    ItemEnqueued,
    ItemLeased,
    ItemLeft,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    ItemStarted,
    JobSeen,
    LogEnded,
    Observation,
    OtherContainerSeen,
    Payload,
    PodSeen,
    RunEnded,
    WorkDigested,
    Worker,
)

BOUNDS = Bounds(reclaim=20, progress=5, end=60)
QUEUE = "queue"
KILLED = 137


def header(pattern: str = "fine", **fields: Any) -> Header:
    return msgspec.structs.replace(
        Header(
            schema=SCHEMA,
            scenario="a scenario",
            pattern=pattern,
            image="my/worker:1",
            started=datetime(2026, 1, 1, tzinfo=UTC),
            bounds=BOUNDS,
            figures=Figures(work=1.0),
        ),
        **fields,
    )


class Tale:
    """A history in the making. Workers are letters; moments come first, in seconds.

    A worker `a` has pod `uid-a`, named `pod-a`, and one connection (unless it opens more).
    """

    def __init__(self, pattern: str = "fine", *, completions: int | None = None, **fields: Any):
        self.header = header(pattern, **fields)
        self.events: list[Event] = []
        self._completions = completions
        self._connections: dict[str, int] = {}
        self._runs: dict[str, int] = {}
        self._version = 100

    def drop(self, kind: type, **fields: Any) -> None:
        """As if these events had not been seen."""
        self.events = [
            event
            for event in self.events
            if not isinstance(event.what, kind)
            or any(getattr(event.what, name) != value for name, value in fields.items())
        ]

    # -- whom and what --------------------------------------------------------------------------

    def put(self, moment: float, source: str, what: Observation) -> int:
        """Any event; the id that it got."""
        time = max(moment, self.events[-1].time if self.events else 0.0)
        number = self.events[-1].id + 1 if self.events else 1
        self.events.append(Event(number, time, source, what))
        return number

    def worker(self, name: str) -> Worker:
        return Worker(f"uid-{name}", self._runs.get(name, 0))

    def connection(self, name: str) -> int:
        return self._connections[name]

    # -- items ----------------------------------------------------------------------------------

    def sent(self, *items: Payload) -> None:
        for item in items:
            self.put(0.0, "harness", ItemEnqueued(item, QUEUE))

    def asked(self, moment: float, who: str) -> None:
        self.put(moment, "tap", AskedForItem(self.connection(who), QUEUE, at=moment))

    def empty(self, moment: float, who: str) -> None:
        self.put(moment, "tap", FoundEmpty(self.connection(who), QUEUE, at=moment))

    def given(self, moment: float, who: str, item: Payload, **fields: Any) -> int:
        return self.put(
            moment, "tap", ItemDelivered(item, self.connection(who), at=moment, **fields)
        )

    def leased(self, moment: float, who: str, item: Payload, until: float) -> int:
        return self.put(
            moment, "tap", ItemLeased(item, self.connection(who), "t", until, at=moment)
        )

    def began(self, moment: float, who: str, item: Payload, guess: Guess = "") -> int:
        return self.put(moment, "logs", ItemStarted(item, self.worker(who), at=moment, guess=guess))

    def finished(self, moment: float, who: str, item: Payload, guess: Guess = "") -> int:
        return self.put(moment, "logs", ItemDone(item, self.worker(who), at=moment, guess=guess))

    def digested(self, moment: float, who: str, sha256: str) -> int:
        return self.put(moment, "logs", WorkDigested(sha256, self.worker(who), at=moment))

    def settled(
        self, moment: float, who: str | None, item: Payload, how: Any = "acked", **fields: Any
    ) -> int:
        connection = None if who is None else self.connection(who)
        return self.put(moment, "tap", ItemSettled(item, connection, how, at=moment, **fields))

    def returned(self, moment: float, who: str, item: Payload) -> int:
        return self.put(moment, "tap", ItemReturned(item, self.connection(who), at=moment))

    def reclaimed(self, moment: float, who: str, item: Payload, token: str = "") -> int:
        return self.put(moment, "tap", ItemReclaimed(item, self.connection(who), token, moment))

    def worked(self, start: float, who: str, item: Payload, seconds: float = 1.0) -> None:
        """Asked, given, begun, finished, settled: as it should be."""
        self.asked(start, who)
        self.given(start, who, item)
        self.began(start, who, item)
        self.finished(start + seconds, who, item)
        self.settled(start + seconds, who, item)

    # -- workers --------------------------------------------------------------------------------

    def came(self, moment: float, who: str, *, owned: bool = True, connected: bool = True) -> None:
        """A new pod, its container running, and connected; or the next run of its container."""
        run = self._runs[who] = self._runs.get(who, -1) + 1
        if run == 0:
            self._version += 1
            seen = PodSeen("added", f"uid-{who}", f"pod-{who}", "Pending", self._version)
            self.put(moment, "pods", seen)
        self._version += 1
        running = ContainerSeen(self.worker(who), "running", self._version, started=int(moment))
        self.put(moment, "pods", running)
        if connected:
            self.connected(moment, who, owned=owned)

    def connected(self, moment: float, who: str, *, owned: bool = True) -> None:
        number = self._connections[who] = len(self._connections) + 10 * self._runs[who] + 1
        while list(self._connections.values()).count(number) > 1:
            number = self._connections[who] = number + 1
        self.put(moment, "tap", ConnectionOpened(number, f"10.0.0.{number}", 4000, at=moment))
        if owned:
            self.put(moment, "pods", ConnectionOwner(number, self.worker(who)))

    def held(self, moment: float, who: str, point: str = "", towards: Any = "broker") -> int:
        what = ConnectionHeld(self.connection(who), towards, point, at=moment)
        return self.put(moment, "tap", what)

    def resume_client(self, moment: float, who: str, towards: Any = "broker") -> int:
        return self.put(moment, "tap", ConnectionReleased(self.connection(who), towards, at=moment))

    def cut(self, moment: float, who: str) -> int:
        return self.put(moment, "tap", ConnectionCut(self.connection(who), at=moment))

    def closed(self, moment: float, who: str) -> int:
        return self.put(moment, "tap", ConnectionClosed(self.connection(who), "client", at=moment))

    def exited(self, moment: float, who: str, code: int = 0, signal: int | None = None) -> int:
        """Hung up, and ended; the kubelet knows the second."""
        if who in self._connections:
            self.closed(moment, who)
        self._version += 1
        seen = ContainerSeen(
            self.worker(who),
            "terminated",
            self._version,
            exit_code=code,
            signal=signal,
            started=0,
            finished=int(moment),
        )
        return self.put(moment, "pods", seen)

    def killed(self, moment: float, who: str) -> int:
        return self.exited(moment, who, KILLED)

    def deleted(self, moment: float, who: str) -> int:
        self._version += 1
        seen = PodSeen("deleted", f"uid-{who}", f"pod-{who}", "Failed", self._version)
        return self.put(moment, "pods", seen)

    def leaves(self, moment: float, who: str) -> int:
        """Its pod is about to be deleted."""
        self._version += 1
        name = f"pod-{who}"
        seen = PodSeen("modified", f"uid-{who}", name, "Running", self._version, deleting=True)
        return self.put(moment, "pods", seen)

    def log_broke(self, moment: float, who: str) -> None:
        self.put(moment, "logs", LogEnded(self.worker(who), whole=False, why="no answer"))

    # -- the Job, the broker, the run -----------------------------------------------------------

    def job(self, moment: float, *conditions: str, succeeded: int = 0) -> int:
        self._version += 1
        seen = JobSeen(
            "job",
            self._version,
            2,
            self._completions,
            0,
            succeeded,
            0,
            tuple(Condition(one, "True") for one in conditions),
        )
        return self.put(moment, "job", seen)

    def job_is(self, moment: float, kind: str, reason: str = "", why: str = "") -> int:
        """A condition of the Job, with the controller's reason and words."""
        self._version += 1
        condition = Condition(kind, "True", reason, why)
        seen = JobSeen("job", self._version, 2, self._completions, 0, 0, 0, (condition,))
        return self.put(moment, "job", seen)

    def other(self, moment: float, who: str, container: str, state: Any, **fields: Any) -> int:
        """The state of a container beside the worker's."""
        kind = fields.pop("kind", "beside")
        what = OtherContainerSeen(f"uid-{who}", container, kind, 0, state, **fields)
        return self.put(moment, "pods", what)

    def waits(self, moment: float, who: str, place: str = "", **fields: Any) -> int:
        """A pod that is not running, and why its container waits, if it is there at all."""
        self._version += 1
        seen = PodSeen("added", f"uid-{who}", f"pod-{who}", "Pending", self._version, why=place)
        number = self.put(moment, "pods", seen)
        if fields:
            worker = self.worker(who)
            what = ContainerSeen(worker, fields.pop("state", "waiting"), self._version, **fields)
            number = self.put(moment, "pods", what)
        return number

    def left(self, moment: float, *items: Payload, where: Any = "ready", queue: str = QUEUE) -> int:
        """The final drain has found these, and nothing else in that queue."""
        for item in items:
            self.put(moment, "broker", ItemLeft(item, queue, where))
        return self.put(moment, "broker", BrokerDepth(queue, len(items), final=True))

    def cut_off(self, moment: float, fault: str, who: str) -> None:
        """It is cut off from its broker for good, and known to be; it may live for a while."""
        what = FaultInjected(fault, "somebody", self.worker(who), cut_off=True)
        begun = self.put(moment, "harness", what)
        self.cut(moment, who)
        self.put(moment, "harness", FaultConfirmed(fault, (begun,)))
        self.put(moment, "harness", FaultHealed(fault))

    def harmed(self, moment: float, fault: str, who: str | None = None) -> None:
        """A fault comes, lands and is over."""
        worker = self.worker(who) if who else None
        begun = self.put(moment, "harness", FaultInjected(fault, "somebody", worker))
        self.put(moment, "harness", FaultConfirmed(fault, (begun,)))
        self.put(moment, "harness", FaultHealed(fault))

    def restarted(self, moment: float, *, kept: bool | None, seconds: float = 2.0) -> int:
        """The broker ends, and is there again after so many seconds."""
        self.put(moment, "tap", BrokerLost("it was killed", at=moment))
        back = moment + seconds
        return self.put(back, "tap", BrokerBack(1 if kept else 0, kept, at=back))

    def missed(self, moment: float, of: str) -> int:
        return self.put(moment, "harness", Gap(of, "no answer"))

    def over(self, moment: float, why: str = "") -> None:
        self.put(moment, "harness", RunEnded(why))

    # -- what is made of it ---------------------------------------------------------------------

    def view(self) -> RunModel:
        return build_model(self.header, self.events)

    def judged(self, name: str) -> Verdict:
        return judge(self.header, self.events)[name]

    def finds(self, name: str) -> Outcome:
        return self.judged(name).outcome

    def failure(self, name: str) -> Finding:
        """The one failure that this invariant finds."""
        (found,) = [one for one in self.judged(name).findings if one.outcome is Outcome.FAIL]
        return found

    def what(self, finding: Finding) -> list[type]:
        """The kinds of the events that are a finding's evidence."""
        kinds = {event.id: type(event.what) for event in self.events}
        return [kinds[one] for one in finding.evidence]


def good_fine(**fields: Any) -> Tale:
    """Two items, two workers, nothing amiss; the run is over after 10 s."""
    tale = Tale("fine", **fields)
    tale.sent("apple", "banana")
    for moment, who, item in ((1.0, "a", "apple"), (1.5, "b", "banana")):
        tale.came(moment, who)
        tale.worked(moment, who, item)
    for who in "ab":
        tale.asked(4.0, who)
        tale.empty(4.0, who)
        tale.exited(4.5, who)
    tale.job(5.0, succeeded=1)
    tale.job(6.0, "Complete", succeeded=2)
    tale.left(9.0)
    tale.over(10.0)
    return tale


def good_coarse(completions: int = 2, **fields: Any) -> Tale:
    """Two messages for two workers."""
    tale = Tale("coarse", completions=completions, **fields)
    tale.sent("apple", "banana")
    for moment, who, item in ((1.0, "a", "apple"), (1.5, "b", "banana")):
        tale.came(moment, who)
        tale.worked(moment, who, item)
        tale.exited(moment + 2, who)
    tale.job(6.0, "Complete", succeeded=2)
    tale.left(9.0)
    tale.over(10.0)
    return tale
