"""The run model: everything that a history shows, interpreted once for all invariants."""

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

#: Events that are recorded when the run is over and its workers are gone.
_AFTERWARDS = (BrokerDepth, CopyLeft, ItemLeft, RunEnded)


class Depth(msgspec.Struct, frozen=True):
    """The queue depths of the broker at the end, as the final drain showed."""

    ref: EventRef
    seen: BrokerDepth


@dataclass(frozen=True)
class RunModel:
    """A complete interpreted history. `last` is the time of its last event, in seconds."""

    header: Header
    items: Mapping[Payload, Item]
    #: In order of first sight.
    workers: Mapping[Worker, WorkerLifetime]
    connections: Mapping[int, Connection]
    pods: Mapping[str, Pod]
    #: Pods of another Job, by their addresses.
    neighbours: Mapping[str, Neighbour]
    job: Job
    fault_log: FaultLog
    depths: tuple[Depth, ...]
    digests: tuple[DigestStatement, ...]
    #: The deletions of the Job, and what remained of it.
    deletions: tuple[Deletion, ...]
    #: Lines about items that were never enqueued, and not delivered to the worker that wrote them.
    unknown_items: tuple[WorkerStatement, ...]
    #: Lines that may be about an item that was never enqueued.
    doubtful: tuple[WorkerStatement, ...]
    unmatched: tuple[WorkerStatement, ...]
    last: float
    names: WorkerNames
    #: The time of the last event before the final drain, when no worker ran any more.
    watched: float
    #: Messages that workers published outside the queue.
    copies: PublishedCopies = field(default_factory=PublishedCopies)
    #: Containers next to the worker, by their pod and name.
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
        """How many items were enqueued; equal items count separately."""
        return sum(len(item.enqueued) for item in self.sent)

    @cached_property
    def idle(self) -> IdleTime:
        return IdleTime(idle_times(self.workers.values(), self.last))

    @cached_property
    def habits(self) -> LogHabits:
        """Expectations of the worker's log."""
        return log_habits(self.header.figures, self.workers)

    @cached_property
    def ack_timings(self) -> tuple[AckTiming, ...]:
        """The order of settlement and work, for each attempt that shows it."""
        work = self.header.figures.work
        timings = (
            ack_order(entry, work, self.habits, self.life(entry.worker)) for entry in self.attempts
        )
        known = (entry for entry in timings if entry is not None)
        # For equal items, it is unknown which one a line is about.
        several = {item.payload for item in self.sent if len(item.enqueued) > 1}
        return tuple(
            entry for entry in known if entry.order == "after" or entry.attempt.item not in several
        )

    @cached_property
    def settles_after_work(self) -> bool | None:
        """Whether the worker settles after the work, as calibrated or as this run shows."""
        known = self.header.figures.settles_after_work
        if known is not None or self.header.figures.starts_told:
            return known
        seen = (
            None if self.fault_log.injected else majority(self.ack_timings, self.habits, calm=True)
        )
        return None if seen in (None, "unclear") else seen == "after"

    @cached_property
    def shows(self) -> Mapping[int, Payload]:
        """The item of each event about an attempt or a settlement, by event id."""
        by_event: dict[int, Payload] = {}
        for item in self.items.values():
            event_refs = [*item.enqueued, *(entry.ref for entry in item.settled)]
            event_refs += [entry.ref for entry in item.left]
            for entry in item.attempts:
                settled = None if entry.settled is None else entry.settled.ref
                event_refs += [entry.delivered, *entry.void]
                event_refs += [
                    event_ref
                    for event_ref in (settled, entry.started, entry.done, entry.taken)
                    if event_ref
                ]
            by_event.update((event_ref.id, item.payload) for event_ref in event_refs)
        return by_event

    @cached_property
    def missing_evidence(self) -> Mapping[int, Finding]:
        """Findings about settlements that are wrong or unclear, by event id."""
        findings = (
            (
                settlement.ref.id,
                (missing_evidence if settlement.by_holder else removal_finding)(
                    self, item, settlement
                ),
            )
            for item in self.sent
            for settlement in item.settled
        )
        return {number: finding for number, finding in findings if finding is not None}

    def life(self, worker: Worker | None) -> WorkerLifetime | None:
        return None if worker is None else self.workers.get(worker)

    @cached_property
    def used_by_successes(self) -> frozenset[str] | None:
        """Where workers publish messages about their successes; None if unknown."""
        return used_by_successes(self.header, self.copies)

    def copy_of(self, attempt: Attempt) -> tuple[str, EventRef] | None:
        """Return why an attempt's item may have a copy that no observer found, and the event.

        None if its worker published nothing during the attempt that could be a copy.
        """
        name, who = shown(attempt.item), self.names.short(attempt.worker)
        successes = self.used_by_successes
        for copy in self.copies.within(attempt):
            if copy.item is None:
                return (
                    f"{who} published a message to {copy.place} that may be a dead letter of "
                    f"{name}: it would be recognised if it carried the item, as it is or in JSON, "
                    "hex or base64",
                    copy.ref,
                )
            if copy.item != attempt.item:
                continue
            if successes is None or copy.place in successes:
                return (
                    f"{who} published {name} to {copy.place}, where messages about successes go "
                    "too: a place for failures alone would show that it was set aside",
                    copy.ref,
                )
            if copy.lasting is None:
                return (
                    f"{who} published {name} to {copy.place}, and no queue had it at the end: let "
                    "the worker declare the queue that it comes to",
                    copy.ref,
                )
        return None

    def had_no_effect(self, settlement: Settlement) -> bool:
        """Return whether a message was rejected for good and then was nowhere any more.

        False if the queue has a dead-letter exchange: the receivers of its messages are unknown.
        """
        return (
            settlement.how == "refused"
            and self.coarse
            and bool(self.depths)
            and not self.header.dead_letters
        )

    @cached_property
    def standing(self) -> ClusterState:
        """The last reported state of the Job and everything that belongs to it."""
        runs = {worker: life.run for worker, life in self.workers.items()}
        return ClusterState(self.job, self.pods, runs, self.others, self.warnings)

    @cached_property
    def too_few_completions(self) -> bool:
        """Whether a coarse Job asks for too few messages, and each success took one."""
        completions = self.job.completions
        if not self.coarse or completions is None or completions >= self.enqueued:
            return False
        return all(len(life.settled) == 1 for life in self.workers.values() if life.success)


class _Depths:
    """Collects the broker's final depths."""

    def __init__(self) -> None:
        self.seen: list[Depth] = []
        # Any: the handler takes the one type in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {BrokerDepth: self._depth}

    def _depth(self, event: Event, what: BrokerDepth) -> None:
        if what.final:
            self.seen.append(Depth(ref(event), what))


class _Digests:
    """Collects the log lines with digests of the bytes that workers work on."""

    def __init__(self) -> None:
        self.seen: list[DigestStatement] = []
        # Any: the handler takes the one type in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {WorkDigested: self._digest}

    def _digest(self, event: Event, what: WorkDigested) -> None:
        self.seen.append(DigestStatement(ref(event), what.worker, what.sha256))


def build_model(header: Header, events: Iterable[Event]) -> RunModel:
    """Read all events, once and in order, and build the model of the run."""
    connections, requests, items = ConnectionTable(), ItemRequestTable(), ItemTable()
    cluster, fault_log, depths, digests = ClusterTable(), FaultLogTable(), _Depths(), _Digests()
    published = PublishedCopyTable()
    handlers: dict[type, list[Callable[[Event, Any], None]]] = {}
    for table in (connections, requests, items, cluster, fault_log, depths, digests, published):
        for kind, handler in table.takes.items():
            handlers.setdefault(kind, []).append(handler)
    no_handlers: list[Callable[[Event, Any], None]] = []
    last = watched = 0.0
    for event in events:
        last = event.time
        observation = event.what
        if not isinstance(observation, _AFTERWARDS):
            watched = last
        for handler in handlers.get(type(observation), no_handlers):
            handler(event, observation)
    runs = cluster.runs()
    owned_connections = drop_stale_owners(connections.all(), runs)
    owned_connections = with_owners(owned_connections, runs, cluster.pods, cluster.neighbours)
    bound = header.pattern == "coarse"
    by_payload = {
        payload: AttemptReader(payload, owned_connections, bound=bound).read(item_events)
        for payload, item_events in items.wire.items()
    }
    items.wire.clear()
    copies = published.all(owned_connections)
    by_payload = with_dead_letters(with_copies(by_payload, header, copies).values())
    matched = attribute(by_payload, items.lines)
    faults = fault_log.fault_log()
    worker_requests = requests.of(frozenset(items.queues), owned_connections)
    workers = build_lifetimes(
        matched.items.values(), owned_connections, runs, worker_requests, faults.cut_off
    )
    return RunModel(
        header,
        matched.items,
        workers,
        owned_connections,
        cluster.pods,
        cluster.neighbours,
        cluster.job,
        faults,
        tuple(depths.seen),
        tuple(digests.seen),
        tuple(cluster.deletions),
        matched.strays,
        matched.doubtful,
        matched.unmatched,
        last,
        name_workers(workers, cluster.pods, owned_connections),
        watched,
        copies,
        cluster.others,
        tuple(cluster.warnings),
    )
