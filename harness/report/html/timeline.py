"""A history as a time line: which worker had which item when, and the faults.

Moments are seconds since the start of the run, by the clock of the observer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from harness.checks.model import Attempt, RunModel, WorkerLifetime
from harness.history import Event, ItemDelivered, ItemLeased, Payload, Worker
from harness.history.preview import shown

#: How an attempt ended: settled; given back or taken away; neither.
Fate = Literal["settled", "returned", "lost"]


class Bar(msgspec.Struct, frozen=True):
    """An attempt: the time for which a worker had an item.

    `work` is from the start to the end of the work, as the worker logged them.
    """

    item: str
    since: float
    until: float
    fate: Fate
    #: When the last observed lease on the item ends.
    lease: float | None
    work: tuple[float, float] | None
    settled: float | None
    #: The id of the delivery event.
    event: int
    text: str


class Exit(msgspec.Struct, frozen=True):
    """The end of a worker; `code` is None if it was not observed."""

    at: float
    code: int | None
    killed: bool


class Row(msgspec.Struct, frozen=True):
    """A worker: one run of one container."""

    label: str
    since: float
    until: float
    exit: Exit | None
    bars: tuple[Bar, ...]


class Band(msgspec.Struct, frozen=True):
    """A fault, from its injection to its end; `row` is that of its target."""

    fault: str
    since: float
    until: float
    confirmed: bool
    row: int | None


class Timeline(msgspec.Struct, frozen=True):
    """The complete time line, from 0 to `end`."""

    end: float
    rows: tuple[Row, ...]
    bands: tuple[Band, ...]
    #: When the Job ended, and how.
    over: tuple[float, str] | None
    #: The row number of each worker.
    places: Mapping[Worker, int]


#: A word for each way in which an item was settled.
_HOW = {"acked": "settled", "dead": "set aside", "refused": "rejected", "expired": "ran out"}
_Leases = dict[tuple[Payload, int], list[tuple[int, float]]]


def timeline(view: RunModel, events: Iterable[Event]) -> Timeline:
    """Build the time line of a history; `events` are all its events."""
    leases = _leases(events)
    rows: list[Row] = []
    places: dict[Worker, int] = {}
    for worker, life in view.workers.items():
        places[worker] = len(rows)
        rows.append(_row(view, life, leases))
    unowned = tuple(entry for entry in view.attempts if entry.worker is None)
    if unowned:
        bars = tuple(_bar(entry, None, leases, view.last) for entry in unowned)
        first, last = min(entry.since for entry in bars), max(entry.until for entry in bars)
        rows.append(Row("nobody knows whose", first, last, None, bars))
    return Timeline(
        max(view.last, 1.0), tuple(rows), tuple(_bands(view, places)), _over(view), places
    )


def _leases(events: Iterable[Event]) -> _Leases:
    """Collect the events that gave or renewed a lease, by item and connection.

    The values are the event's id and the end of the lease.
    """
    leases: _Leases = {}
    for event in events:
        data = event.what
        if isinstance(data, (ItemDelivered, ItemLeased)) and data.until is not None:
            leases.setdefault((data.item, data.connection), []).append((event.id, data.until))
    return leases


def _row(view: RunModel, life: WorkerLifetime, leases: _Leases) -> Row:
    bars = tuple(_bar(entry, life, leases, view.last) for entry in life.attempts)
    moments = [entry.opened.at for entry in life.connections if entry.opened]
    moments += [life.run.running.at] if life.run.running else []
    moments += [entry.since for entry in bars]
    until = life.end.ref.at if life.end else view.last
    exit_ = Exit(until, life.end.exit_code, life.end.killed) if life.end else None
    return Row(view.names.worker(life.worker), min(moments, default=until), until, exit_, bars)


def _bar(attempt: Attempt, life: WorkerLifetime | None, leases: _Leases, last: float) -> Bar:
    since = attempt.delivered.at
    until = attempt.ended.at if attempt.ended else last
    if attempt.how == "open" and life and life.end:
        until = life.end.ref.at
    until = max(since, until)
    fate: Fate = "lost"
    if attempt.settled is not None:
        fate = "settled"
    elif attempt.how in ("returned", "reclaimed", "elsewhere"):
        fate = "returned"
    lease = _lease(attempt, leases)
    if lease is not None and fate != "lost":
        lease = min(lease, until)  # the holder settled or returned the item, so the lease ended
    return Bar(
        shown(attempt.item),
        since,
        until,
        fate,
        lease,
        _work(attempt, until),
        attempt.settled.ref.at if attempt.settled else None,
        attempt.delivered.id,
        _describe(attempt, since, until),
    )


def _lease(attempt: Attempt, leases: _Leases) -> float | None:
    over = attempt.ended.id if attempt.ended else None
    ends = (
        end
        for event, end in leases.get((attempt.item, attempt.connection), ())
        if attempt.delivered.id <= event and (over is None or event <= over)
    )
    return max(ends, default=None)


def _work(attempt: Attempt, until: float) -> tuple[float, float] | None:
    if attempt.started is None:
        return None
    done = attempt.done.at if attempt.done else until
    return attempt.started.at, max(attempt.started.at, done)


def _describe(attempt: Attempt, since: float, until: float) -> str:
    if attempt.settled is not None:
        how = _HOW[attempt.settled.how]
        end = f"{how} at {attempt.settled.ref.at:.2f} s"
    elif attempt.how == "open":
        end = "never settled by this worker"
    else:
        end = f"{attempt.how} at {until:.2f} s, not settled"
    work = f", begun at {attempt.started.at:.2f} s" if attempt.started else ""
    work += f", done at {attempt.done.at:.2f} s" if attempt.done else ""
    return f"{shown(attempt.item)}: delivered at {since:.2f} s{work}, {end}"


def _bands(view: RunModel, places: Mapping[Worker, int]) -> Iterator[Band]:
    for injected in view.fault_log.injected:
        healed = view.fault_log.healed.get(injected.fault)
        confirmed = view.fault_log.confirmed.get(injected.fault)
        yield Band(
            injected.fault,
            injected.ref.at,
            healed.at if healed else view.last,
            confirmed is not None,
            None if injected.worker is None else places.get(injected.worker),
        )


def _over(view: RunModel) -> tuple[float, str] | None:
    over = view.job.over
    if over is None:
        return None
    return over.at, "Complete" if view.job.complete else "Failed"
