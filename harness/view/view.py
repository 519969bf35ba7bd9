"""All that a history shows, made sense of once for all invariants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from harness.history import BrokerDepth, Event, Header, Payload, WorkDigested, Worker
from harness.view.asks import AskTable
from harness.view.attempts import Reader
from harness.view.cast import Cast, cast
from harness.view.cluster import ClusterTable, Deletion, Job, Neighbour, Pod
from harness.view.connections import Connection, ConnectionTable
from harness.view.course import Course, CourseTable
from harness.view.idle import IdleTime, idle_times
from harness.view.items import Attempt, Digested, Item, ItemTable, Line
from harness.view.lines import attribute
from harness.view.marks import Mark, mark
from harness.view.workers import Life, lives, of_the_living


class Depth(msgspec.Struct, frozen=True):
    """What the broker held at the end, as its drain showed."""

    mark: Mark
    seen: BrokerDepth


@dataclass(frozen=True)
class View:
    """A history, digested. `last` is the moment of its last event, in seconds."""

    header: Header
    items: Mapping[Payload, Item]
    #: In the order of their first sight.
    workers: Mapping[Worker, Life]
    connections: Mapping[int, Connection]
    pods: Mapping[str, Pod]
    #: Pods of another Job, by their addresses.
    neighbours: Mapping[str, Neighbour]
    job: Job
    course: Course
    depths: tuple[Depth, ...]
    digests: tuple[Digested, ...]
    #: How often the Job was deleted, and what was left of it.
    deletions: tuple[Deletion, ...]
    #: Lines about items that were never enqueued, and that were not given to who wrote them.
    strays: tuple[Line, ...]
    unmatched: tuple[Line, ...]
    last: float
    cast: Cast

    @property
    def coarse(self) -> bool:
        return self.header.pattern == "coarse"

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts, item by item."""
        return tuple(attempt for item in self.sent for attempt in item.attempts)

    @cached_property
    def sent(self) -> tuple[Item, ...]:
        """The items that were enqueued."""
        return tuple(item for item in self.items.values() if item.enqueued)

    @cached_property
    def enqueued(self) -> int:
        """How many items were enqueued, equal ones each for itself."""
        return sum(len(item.enqueued) for item in self.sent)

    @cached_property
    def idle(self) -> IdleTime:
        return IdleTime(idle_times(self.workers.values(), self.last))

    def life(self, worker: Worker | None) -> Life | None:
        return None if worker is None else self.workers.get(worker)

    @cached_property
    def too_few_completions(self) -> bool:
        """Coarse: the Job asks for fewer messages than there are, and each success took one."""
        completions = self.job.completions
        if not self.coarse or completions is None or completions >= self.enqueued:
            return False
        return all(len(life.settled) == 1 for life in self.workers.values() if life.success)


class _Depths:
    """Takes in the broker's final depths."""

    def __init__(self) -> None:
        self.seen: list[Depth] = []
        # Any: the handler takes the one kind that stands beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {BrokerDepth: self._depth}

    def _depth(self, event: Event, what: BrokerDepth) -> None:
        if what.final:
            self.seen.append(Depth(mark(event), what))


class _Digests:
    """Takes in what workers say about the bytes they work on."""

    def __init__(self) -> None:
        self.seen: list[Digested] = []
        # Any: the handler takes the one kind that stands beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {WorkDigested: self._digest}

    def _digest(self, event: Event, what: WorkDigested) -> None:
        self.seen.append(Digested(mark(event), what.worker, what.sha256))


def look(header: Header, events: Iterable[Event]) -> View:
    """Read all events, once and in their order, and say what they show."""
    connections, asks, items = ConnectionTable(), AskTable(), ItemTable()
    cluster, course, depths, digests = ClusterTable(), CourseTable(), _Depths(), _Digests()
    handlers: dict[type, list[Callable[[Event, Any], None]]] = {}
    for table in (connections, asks, items, cluster, course, depths, digests):
        for kind, handler in table.takes.items():
            handlers.setdefault(kind, []).append(handler)
    nobody: list[Callable[[Event, Any], None]] = []
    last = 0.0
    for event in events:
        last = event.time
        what = event.what
        for handler in handlers.get(type(what), nobody):
            handler(event, what)
    runs = cluster.runs()
    links = of_the_living(connections.all(), runs)
    bound = header.pattern == "coarse"
    read = {
        payload: Reader(payload, links, bound=bound).read(some)
        for payload, some in items.wire.items()
    }
    items.wire.clear()
    told = attribute(read, items.lines)
    harms = course.course()
    asked = asks.of(frozenset(items.queues), links)
    workers = lives(told.items.values(), links, runs, asked, harms.cut_off)
    return View(
        header,
        told.items,
        workers,
        links,
        cluster.pods,
        cluster.neighbours,
        cluster.job,
        harms,
        tuple(depths.seen),
        tuple(digests.seen),
        tuple(cluster.deletions),
        told.strays,
        told.unmatched,
        last,
        cast(workers, cluster.pods, links),
    )
