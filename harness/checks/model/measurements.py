"""A worker's own figures, from its fault-free run; they set the bounds for all other runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from harness.checks.model.ack_timing import majority
from harness.checks.model.items import Attempt
from harness.checks.model.run_model import RunModel
from harness.checks.model.workers import WorkerLifetime
from harness.history import Figures


def measure(view: RunModel) -> Figures:
    """Measure all figures; each is None if no event shows it."""
    order, habits = majority(view.ack_timings, view.habits, calm=True), view.habits
    work = list(_work_times(view))
    return Figures(
        work=_median(entry.lasted for entry in work),
        pace=_median(entry.alone for entry in work),
        longest=_maximum(entry.lasted for entry in work),
        longest_pace=_maximum(entry.alone for entry in work),
        lease=_maximum(entry.lease for entry in view.attempts if entry.lease is not None),
        pod_start=_maximum(_pod_start_times(view)),
        starts_matched=starts_matched(view),
        settles_after_work=None if order in (None, "unclear") else order == "after",
        starts_told=habits.starts,
        ends_told=habits.ends,
        log_live=habits.live,
        ends_first=habits.ends_first,
        enough=habits.enough,
        published=tuple(sorted(view.copies.places())) if view.coarse and view.attempts else None,
    )


def starts_matched(view: RunModel) -> bool | None:
    """Return whether workers logged starts only of items that were delivered to them.

    None if no worker logged any start.
    """
    unexpected = [line for line in (*view.unknown_items, *view.unmatched) if not line.done]
    if unexpected:
        return False
    return True if any(attempt.started for attempt in view.attempts) else None


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return max(0.0, round(median(known), 3)) if known else None


def _maximum(values: Iterable[float]) -> float | None:
    return max((max(0.0, round(value, 3)) for value in values), default=None)


class _Work(NamedTuple):
    """Seconds from delivery to the end of work: `lasted` all, `alone` without other items."""

    lasted: float
    alone: float


def _work_times(view: RunModel) -> Iterator[_Work]:
    for life in view.workers.values():
        free = 0.0
        for attempt in life.attempts:
            end = _end_of_work(attempt, life, late=view.habits.live is False)
            if end is not None:
                delivered = attempt.delivered.at
                yield _Work(end - delivered, end - max(delivered, min(free, end)))
                free = max(free, end)


def _end_of_work(attempt: Attempt, life: WorkerLifetime, *, late: bool) -> float | None:
    """Return when the work of an attempt ended, or None if that is unknown.

    `late`: the log is buffered, so the times of its lines prove nothing.
    """
    settled = attempt.settled
    if settled is None:
        return None
    if attempt.done is not None and not late:
        return max(attempt.done.at, settled.ref.at)
    if not settled.at_once:
        return settled.ref.at
    # It was settled on delivery: the work lasts until the next request.
    request = life.requests.after(settled.ref.at)
    return request.ref.at if request else None


def _pod_start_times(view: RunModel) -> Iterable[float]:
    """Yield the seconds from each pod's creation to its first connection.

    Without a connection, the start of its container counts.
    """
    first: dict[str, float] = {}
    for life in view.workers.values():
        openings = [connection.opened.at for connection in life.connections if connection.opened]
        start = min(openings, default=life.run.running.at if life.run.running else None)
        if start is not None:
            first[life.worker.pod] = min(first.get(life.worker.pod, start), start)
    for uid, start in first.items():
        if uid in view.pods:
            yield max(0.0, start - view.pods[uid].added.at)
