"""All that a history shows, made sense of once for all invariants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from harness.checks.model.ack_timing import AckTiming, ack_order, majority
from harness.checks.model.attempts import AttemptReader
from harness.checks.model.cluster import ClusterTable, Deletion, Job, Neighbour, Other, Pod, Warned
from harness.checks.model.connections import Connection, ConnectionTable
from harness.checks.model.event_ref import EventRef, ref
from harness.checks.model.fault_log import FaultLog, FaultLogTable
from harness.checks.model.idle_time import IdleTime, idle_times
from harness.checks.model.item_requests import ItemRequestTable
from harness.checks.model.items import (
    Attempt,
    DigestStatement,
    Item,
    ItemTable,
    Settlement,
    WorkerStatement,
)
from harness.checks.model.log_habits import LogHabits, log_habits
from harness.checks.model.log_lines import attribute
from harness.checks.model.obstacles import ClusterState
from harness.checks.model.published_copies import (
    PublishedCopies,
    PublishedCopyTable,
    used_by_successes,
    with_copies,
    with_dead_letters,
)
from harness.checks.model.removed_items import removal_finding
from harness.checks.model.settlement_evidence import missing_evidence
from harness.checks.model.unowned_connections import with_owners
from harness.checks.model.worker_names import WorkerNames, name_workers
from harness.checks.model.workers import WorkerLifetime, build_lifetimes, drop_stale_owners
from harness.checks.verdict import Finding
from harness.history import (
    BrokerDepth,
    CopyLeft,
    Event,
    Header,
    ItemLeft,
    Payload,
    RunEnded,
    WorkDigested,
    Worker,
)
from harness.history.preview import shown

#: What is recorded when a run is over and its workers are gone.
_AFTERWARDS = (BrokerDepth, CopyLeft, ItemLeft, RunEnded)


class Depth(msgspec.Struct, frozen=True):
    """What the broker held at the end, as its drain showed."""

    ref: EventRef
    seen: BrokerDepth


@dataclass(frozen=True)
class RunModel:
    """A history, digested. `last` is the moment of its last event, in seconds."""

    header: Header
    items: Mapping[Payload, Item]
    #: In the order of their first sight.
    workers: Mapping[Worker, WorkerLifetime]
    connections: Mapping[int, Connection]
    pods: Mapping[str, Pod]
    #: Pods of another Job, by their addresses.
    neighbours: Mapping[str, Neighbour]
    job: Job
    fault_log: FaultLog
    depths: tuple[Depth, ...]
    digests: tuple[DigestStatement, ...]
    #: How often the Job was deleted, and what was left of it.
    deletions: tuple[Deletion, ...]
    #: Lines about items that were never enqueued, and that were not given to who wrote them.
    unknown_items: tuple[WorkerStatement, ...]
    #: Lines that may be about an item which was never enqueued.
    doubtful: tuple[WorkerStatement, ...]
    unmatched: tuple[WorkerStatement, ...]
    last: float
    names: WorkerNames
    #: The moment of the last event before what was left was looked for, with no workers any more.
    watched: float
    #: What workers published elsewhere than into the queue.
    copies: PublishedCopies = field(default_factory=PublishedCopies)
    #: Containers beside the worker, by their pod and name.
    others: Mapping[tuple[str, str], Other] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()

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

    @cached_property
    def habits(self) -> LogHabits:
        """What its worker's log is worth."""
        return log_habits(self.header.figures, self.workers)

    @cached_property
    def ack_timings(self) -> tuple[AckTiming, ...]:
        """How settlement and work follow each other, of the attempts that tell."""
        work = self.header.figures.work
        found = (ack_order(one, work, self.habits, self.life(one.worker)) for one in self.attempts)
        told = (one for one in found if one is not None)
        # Of equal items nobody can say for sure which of them a line is about.
        several = {item.payload for item in self.sent if len(item.enqueued) > 1}
        return tuple(one for one in told if one.order == "after" or one.attempt.item not in several)

    @cached_property
    def settles_after_work(self) -> bool | None:
        """Whether items are settled after the work: as was learned, or as this run shows."""
        known = self.header.figures.settles_after_work
        if known is not None or self.header.figures.starts_told:
            return known
        seen = (
            None if self.fault_log.injected else majority(self.ack_timings, self.habits, calm=True)
        )
        return None if seen in (None, "unclear") else seen == "after"

    @cached_property
    def shows(self) -> Mapping[int, Payload]:
        """Which item an event is about, of those that tell of its attempts and its end."""
        found: dict[int, Payload] = {}
        for item in self.items.values():
            marks = [*item.enqueued, *(one.ref for one in item.settled)]
            marks += [one.ref for one in item.left]
            for one in item.attempts:
                settled = None if one.settled is None else one.settled.ref
                marks += [one.delivered, *one.void]
                marks += [mark for mark in (settled, one.started, one.done, one.taken) if mark]
            found.update((mark.id, item.payload) for mark in marks)
        return found

    @cached_property
    def flaws(self) -> Mapping[int, Finding]:
        """What is wrong with, or not known about, settlements: by their events."""
        found = (
            (one.ref.id, (missing_evidence if one.by_holder else removal_finding)(self, item, one))
            for item in self.sent
            for one in item.settled
        )
        return {number: finding for number, finding in found if finding is not None}

    def life(self, worker: Worker | None) -> WorkerLifetime | None:
        return None if worker is None else self.workers.get(worker)

    @cached_property
    def used_by_successes(self) -> frozenset[str] | None:
        """Where workers publish messages about their successes; None where that is not known."""
        return used_by_successes(self.header, self.copies)

    def copy_of(self, attempt: Attempt) -> tuple[str, EventRef] | None:
        """Why a copy of an attempt's item may be somewhere, although none was found; and by what.

        None where its worker published nothing meanwhile that could be one.
        """
        name, who = shown(attempt.item), self.names.short(attempt.worker)
        successes = self.used_by_successes
        for one in self.copies.within(attempt):
            if one.item is None:
                return (
                    f"{who} published a message to {one.place} that may be a dead letter of "
                    f"{name}: it would be recognised if it carried the item, as it is or in JSON, "
                    "hex or base64",
                    one.ref,
                )
            if one.item != attempt.item:
                continue
            if successes is None or one.place in successes:
                return (
                    f"{who} published {name} to {one.place}, where messages about successes go "
                    "too: a place for failures alone would show that it was set aside",
                    one.ref,
                )
            if one.lasting is None:
                return (
                    f"{who} published {name} to {one.place}, and no queue had it at the end: let "
                    "the worker declare the queue that it comes to",
                    one.ref,
                )
        return None

    def had_no_effect(self, settlement: Settlement) -> bool:
        """Whether it was a rejection for good of a message that then was nowhere any more.

        Not where the queue has a dead-letter exchange: who takes what comes by it, is not known.
        """
        return (
            settlement.how == "refused"
            and self.coarse
            and bool(self.depths)
            and not self.header.dead_letters
        )

    @cached_property
    def standing(self) -> ClusterState:
        """What the cluster told last of the Job and all that belongs to it."""
        runs = {worker: life.run for worker, life in self.workers.items()}
        return ClusterState(self.job, self.pods, runs, self.others, self.warnings)

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
            self.seen.append(Depth(ref(event), what))


class _Digests:
    """Takes in what workers say about the bytes they work on."""

    def __init__(self) -> None:
        self.seen: list[DigestStatement] = []
        # Any: the handler takes the one kind that stands beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {WorkDigested: self._digest}

    def _digest(self, event: Event, what: WorkDigested) -> None:
        self.seen.append(DigestStatement(ref(event), what.worker, what.sha256))


def build_model(header: Header, events: Iterable[Event]) -> RunModel:
    """Read all events, once and in their order, and say what they show."""
    connections, asks, items = ConnectionTable(), ItemRequestTable(), ItemTable()
    cluster, course, depths, digests = ClusterTable(), FaultLogTable(), _Depths(), _Digests()
    aside = PublishedCopyTable()
    handlers: dict[type, list[Callable[[Event, Any], None]]] = {}
    for table in (connections, asks, items, cluster, course, depths, digests, aside):
        for kind, handler in table.takes.items():
            handlers.setdefault(kind, []).append(handler)
    nobody: list[Callable[[Event, Any], None]] = []
    last = watched = 0.0
    for event in events:
        last = event.time
        what = event.what
        if not isinstance(what, _AFTERWARDS):
            watched = last
        for handler in handlers.get(type(what), nobody):
            handler(event, what)
    runs = cluster.runs()
    links = drop_stale_owners(connections.all(), runs)
    links = with_owners(links, runs, cluster.pods, cluster.neighbours)
    bound = header.pattern == "coarse"
    read = {
        payload: AttemptReader(payload, links, bound=bound).read(some)
        for payload, some in items.wire.items()
    }
    items.wire.clear()
    elsewhere = aside.all(links)
    read = with_dead_letters(with_copies(read, header, elsewhere).values())
    told = attribute(read, items.lines)
    harms = course.course()
    asked = asks.of(frozenset(items.queues), links)
    workers = build_lifetimes(told.items.values(), links, runs, asked, harms.cut_off)
    return RunModel(
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
        told.doubtful,
        told.unmatched,
        last,
        name_workers(workers, cluster.pods, links),
        watched,
        elsewhere,
        cluster.others,
        tuple(cluster.warnings),
    )
