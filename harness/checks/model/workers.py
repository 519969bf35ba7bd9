"""Workers: what each had, what it asked for, and how it ended."""

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
#: Exit codes from here on are 128 and the number of the signal that ended the process.
_BY_SIGNAL = 128
#: By how many seconds the clocks of the kubelet and of who watches the wire may differ.
_SKEW = 0.5


class WorkerExit(msgspec.Struct, frozen=True):
    """A worker is no more. Its exit lies between `earliest` and `latest`, in seconds.

    The kubelet gives whole seconds, so `latest` is one more; `exit_code` is None when the pod was
    gone before anybody saw it.
    """

    ref: EventRef
    earliest: float
    latest: float
    exit_code: int | None = None
    signal: int | None = None

    @property
    def by_signal(self) -> bool:
        """Ended from outside, as far as can be told; SIGKILL, SIGTERM and crashes alike."""
        return bool(self.signal) or self.exit_code is None or self.exit_code > _BY_SIGNAL

    @property
    def killed(self) -> bool:
        return _SIGKILL in (self.signal, (self.exit_code or 0) - _BY_SIGNAL)


class WorkerLifetime(msgspec.Struct, frozen=True):
    """One worker, from its start to its end (None: it was still there when the history ended)."""

    worker: Worker
    run: Run
    end: WorkerExit | None = None
    connections: tuple[Connection, ...] = ()
    #: In the order of their deliveries.
    attempts: tuple[Attempt, ...] = ()
    #: What it has settled, effectively.
    settled: tuple[Settlement, ...] = ()
    requests: ItemRequests = ItemRequests()
    #: From when on nothing that it said reached the broker: it was lost then, whenever it ended.
    cut_off: EventRef | None = None

    @property
    def gone_from(self) -> float | None:
        """The earliest moment from which it can have done nothing more; None while it is there."""
        ends = [self.cut_off.at] if self.cut_off else []
        return min([*ends, *([self.end.earliest] if self.end else [])], default=None)

    @property
    def success(self) -> bool:
        return self.end is not None and self.end.exit_code == 0

    @property
    def deaf(self) -> EventRef | None:
        """The moment from which it had no connection any more, for good; None where it has."""
        if not self.connections or any(one.closed is None for one in self.connections):
            return None
        closed = [one.closed for one in self.connections if one.closed]
        return max(closed, key=lambda one: one.at)


def drop_stale_owners(
    connections: Mapping[int, Connection], runs: Mapping[Worker, Run]
) -> dict[int, Connection]:
    """The connections; without an owner where that one had ended before they came.

    Its container was started again then, or its address was another's, and nobody has told of it.
    """

    def ended_before(connection: Connection) -> bool:
        run = None if connection.worker is None else runs.get(connection.worker)
        if run is None or run.finished_by is None or connection.opened is None:
            return False
        return connection.opened.at > run.finished_by + _SKEW

    return {
        number: msgspec.structs.replace(one, worker=None) if ended_before(one) else one
        for number, one in connections.items()
    }


def build_lifetimes(
    items: Iterable[Item],
    connections: Mapping[int, Connection],
    runs: Mapping[Worker, Run],
    asks: Mapping[Worker, ItemRequests],
    cut_off: Mapping[Worker, EventRef],
) -> dict[Worker, WorkerLifetime]:
    """All workers that anybody has seen, in the order of their first sight."""
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
    found = {}
    for worker, own in owned.items():
        life = WorkerLifetime(
            worker,
            runs.get(worker, Run()),
            None,
            tuple(own),
            tuple(sorted(attempts.get(worker, ()), key=lambda one: one.delivered.id)),
            tuple(sorted(settled.get(worker, ()), key=lambda one: one.ref.id)),
            asks.get(worker, ItemRequests()),
            cut_off.get(worker),
        )
        found[worker] = msgspec.structs.replace(life, end=_end(life))
    return found


def _end(life: WorkerLifetime) -> WorkerExit | None:
    run = life.run
    if run.ended is None:
        return None
    latest = run.ended.at if run.finished_by is None else run.finished_by
    closed = [one.closed.at for one in life.connections if one.closed and not one.cut]
    seen = [one.last for one in life.connections]
    # Who has hung up is ending; of who was cut off, only the kubelet knows.
    earliest = max(closed or [run.finished or 0.0, *seen])
    return WorkerExit(run.ended, min(earliest, latest), latest, run.exit_code, run.signal)
