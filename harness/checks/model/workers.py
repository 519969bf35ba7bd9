"""Workers: their items, their requests, and how they ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from harness.checks.model.cluster import Run
from harness.checks.model.connections import Connection
from harness.checks.model.event_ref import EventRef
from harness.checks.model.item_requests import ItemRequests
from harness.checks.model.items import Attempt, Item, Settlement
from harness.history import Worker

_SIGKILL = 9
#: Exit codes above this are 128 plus the number of the signal that ended the process.
_SIGNAL_BASE = 128
#: Seconds by which the clocks of the kubelet and the network observers may differ.
_SKEW = 0.5


class WorkerExit(msgspec.Struct, frozen=True):
    """The end of a worker. It exited between `earliest` and `latest`, in seconds.

    The kubelet gives whole seconds, so `latest` is one second more. `exit_code` is None if the pod
    was gone before any observer saw it.
    """

    ref: EventRef
    earliest: float
    latest: float
    exit_code: int | None = None
    signal: int | None = None

    @property
    def by_signal(self) -> bool:
        """Whether a signal ended it, as far as known: SIGKILL, SIGTERM and crashes alike."""
        return bool(self.signal) or self.exit_code is None or self.exit_code > _SIGNAL_BASE

    @property
    def killed(self) -> bool:
        return _SIGKILL in (self.signal, (self.exit_code or 0) - _SIGNAL_BASE)


class WorkerLifetime(msgspec.Struct, frozen=True):
    """One worker, from start to end (None: it still ran when the history ended)."""

    worker: Worker
    run: Run
    end: WorkerExit | None = None
    connections: tuple[Connection, ...] = ()
    #: Sorted by delivery.
    attempts: tuple[Attempt, ...] = ()
    #: Its effective settlements.
    settled: tuple[Settlement, ...] = ()
    requests: ItemRequests = ItemRequests()
    #: From then on nothing that it sent reached the broker: it was lost, whenever it ended.
    cut_off: EventRef | None = None

    @property
    def gone_from(self) -> float | None:
        """The earliest moment from which it did nothing more; None while it runs."""
        ends = [self.cut_off.at] if self.cut_off else []
        return min([*ends, *([self.end.earliest] if self.end else [])], default=None)

    @property
    def success(self) -> bool:
        return self.end is not None and self.end.exit_code == 0

    @property
    def disconnected(self) -> EventRef | None:
        """The moment when its last connection closed for good; None if one is open."""
        if not self.connections or any(entry.closed is None for entry in self.connections):
            return None
        closings = [entry.closed for entry in self.connections if entry.closed]
        return max(closings, key=lambda entry: entry.at)


def drop_stale_owners(
    connections: Mapping[int, Connection], runs: Mapping[Worker, Run]
) -> dict[int, Connection]:
    """Return the connections, without owners that had ended before the connection opened.

    In that case the container was restarted, or the address was reused, without an event about it.
    """

    def ended_before(connection: Connection) -> bool:
        run = None if connection.worker is None else runs.get(connection.worker)
        if run is None or run.finished_by is None or connection.opened is None:
            return False
        return connection.opened.at > run.finished_by + _SKEW

    return {
        number: msgspec.structs.replace(entry, worker=None) if ended_before(entry) else entry
        for number, entry in connections.items()
    }


def build_lifetimes(
    items: Iterable[Item],
    connections: Mapping[int, Connection],
    runs: Mapping[Worker, Run],
    asks: Mapping[Worker, ItemRequests],
    cut_off: Mapping[Worker, EventRef],
) -> dict[Worker, WorkerLifetime]:
    """Return all workers that any observer saw, in order of first sight.

    Args:
        items: All items with their attempts.
        connections: All connections by number.
        runs: The container run of each worker.
        asks: The requests of each worker.
        cut_off: From when on nothing that a worker sent reached the broker.
    """
    owned: dict[Worker, list[Connection]] = {worker: [] for worker in runs}
    for connection in connections.values():
        if connection.worker is not None:
            owned.setdefault(connection.worker, []).append(connection)
    attempts: dict[Worker, list[Attempt]] = {}
    settled: dict[Worker, list[Settlement]] = {}
    for item in items:
        for attempt in item.attempts:
            if attempt.worker is not None:
                attempts.setdefault(attempt.worker, []).append(attempt)
        for settlement in item.settled:
            if settlement.worker is not None:
                settled.setdefault(settlement.worker, []).append(settlement)
    lifetimes = {}
    for worker, own_connections in owned.items():
        life = WorkerLifetime(
            worker,
            runs.get(worker, Run()),
            None,
            tuple(own_connections),
            tuple(sorted(attempts.get(worker, ()), key=lambda entry: entry.delivered.id)),
            tuple(sorted(settled.get(worker, ()), key=lambda entry: entry.ref.id)),
            asks.get(worker, ItemRequests()),
            cut_off.get(worker),
        )
        lifetimes[worker] = msgspec.structs.replace(life, end=_exit(life))
    return lifetimes


def _exit(life: WorkerLifetime) -> WorkerExit | None:
    run = life.run
    if run.ended is None:
        return None
    latest = run.ended.at if run.finished_by is None else run.finished_by
    closings = [
        connection.closed.at
        for connection in life.connections
        if connection.closed and not connection.cut
    ]
    last_seen = [connection.last for connection in life.connections]
    # A worker that closed its connections is ending; after a cut, only the kubelet knows its end.
    earliest = max(closings or [run.finished or 0.0, *last_seen])
    return WorkerExit(run.ended, min(earliest, latest), latest, run.exit_code, run.signal)
