"""A history as a time line: who had which item from when until when, and what was done to whom.

Moments are seconds since the start of the run, by the clock of who saw it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from harness.checks.model import Attempt, RunModel, WorkerLifetime
from harness.history import Event, ItemDelivered, ItemLeased, Payload, Worker
from harness.history.preview import shown

#: What became of an attempt: done and settled, given back or taken away, or neither.
Fate = Literal["settled", "returned", "lost"]


class Bar(msgspec.Struct, frozen=True):
    """An attempt: a worker had an item. `work` is between what it said of its begin and its end."""

    item: str
    since: float
    until: float
    fate: Fate
    #: When the last lease on it that was seen ends.
    lease: float | None
    work: tuple[float, float] | None
    settled: float | None
    #: The event of its delivery.
    event: int
    text: str


class Exit(msgspec.Struct, frozen=True):
    """The end of a worker; `code` is None where nobody saw it."""

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
    """A fault, from when it was done until it was over; `row` is whom it was aimed at."""

    fault: str
    since: float
    until: float
    confirmed: bool
    row: int | None


class Timeline(msgspec.Struct, frozen=True):
    """All of it, from 0 to `end`."""

    end: float
    rows: tuple[Row, ...]
    bands: tuple[Band, ...]
    #: When the Job ended, and how.
    over: tuple[float, str] | None
    #: The row of each worker.
    places: Mapping[Worker, int]


#: What became of a settled item, in a word.
_HOW = {"acked": "settled", "dead": "set aside", "refused": "rejected", "expired": "ran out"}
_Leases = dict[tuple[Payload, int], list[tuple[int, float]]]


def timeline(view: RunModel, events: Iterable[Event]) -> Timeline:
    """The time line of a history, of which `events` are all."""
    leases = _leases(events)
    rows: list[Row] = []
    places: dict[Worker, int] = {}
    for worker, life in view.workers.items():
        places[worker] = len(rows)
        rows.append(_row(view, life, leases))
    unowned = tuple(one for one in view.attempts if one.worker is None)
    if unowned:
        bars = tuple(_bar(one, None, leases, view.last) for one in unowned)
        first, last = min(one.since for one in bars), max(one.until for one in bars)
        rows.append(Row("nobody knows whose", first, last, None, bars))
    return Timeline(
        max(view.last, 1.0), tuple(rows), tuple(_bands(view, places)), _over(view), places
    )


def _leases(events: Iterable[Event]) -> _Leases:
    """For an item on a connection, the events that gave or renewed a lease, and its ends."""
    found: _Leases = {}
    for event in events:
        what = event.what
        if isinstance(what, (ItemDelivered, ItemLeased)) and what.until is not None:
            found.setdefault((what.item, what.connection), []).append((event.id, what.until))
    return found


def _row(view: RunModel, life: WorkerLifetime, leases: _Leases) -> Row:
    bars = tuple(_bar(one, life, leases, view.last) for one in life.attempts)
    seen = [one.opened.at for one in life.connections if one.opened]
    seen += [life.run.running.at] if life.run.running else []
    seen += [one.since for one in bars]
    until = life.end.ref.at if life.end else view.last
    ended = Exit(until, life.end.exit_code, life.end.killed) if life.end else None
    return Row(view.names.worker(life.worker), min(seen, default=until), until, ended, bars)


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
        lease = min(lease, until)  # with its holder's word it was over
    return Bar(
        shown(attempt.item),
        since,
        until,
        fate,
        lease,
        _work(attempt, until),
        attempt.settled.ref.at if attempt.settled else None,
        attempt.delivered.id,
        _told(attempt, since, until),
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


def _told(attempt: Attempt, since: float, until: float) -> str:
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
    for harm in view.fault_log.injected:
        healed = view.fault_log.healed.get(harm.fault)
        confirmed = view.fault_log.confirmed.get(harm.fault)
        yield Band(
            harm.fault,
            harm.ref.at,
            healed.at if healed else view.last,
            confirmed is not None,
            None if harm.worker is None else places.get(harm.worker),
        )


def _over(view: RunModel) -> tuple[float, str] | None:
    over = view.job.over
    if over is None:
        return None
    return over.at, "Complete" if view.job.complete else "Failed"
