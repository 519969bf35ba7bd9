"""A worker's own figures, from its fault-free run: the other runs are judged by them."""

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
    """All of them, each None where nothing in the history tells."""
    told, habits = majority(view.ack_timings, view.habits, calm=True), view.habits
    work = list(_work(view))
    return Figures(
        work=_median(one.lasted for one in work),
        pace=_median(one.alone for one in work),
        longest=_most(one.lasted for one in work),
        longest_pace=_most(one.alone for one in work),
        lease=_most(one.lease for one in view.attempts if one.lease is not None),
        pod_start=_most(_starts(view)),
        starts_matched=starts_matched(view),
        settles_after_work=None if told in (None, "unclear") else told == "after",
        starts_told=habits.starts,
        ends_told=habits.ends,
        log_live=habits.live,
        ends_first=habits.ends_first,
        enough=habits.enough,
        published=tuple(sorted(view.copies.places())) if view.coarse and view.attempts else None,
    )


def starts_matched(view: RunModel) -> bool | None:
    """Whether all that workers said they begin had been delivered to them; None without a word."""
    astray = [line for line in (*view.unknown_items, *view.unmatched) if not line.done]
    if astray:
        return False
    return True if any(one.started for one in view.attempts) else None


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return max(0.0, round(median(known), 3)) if known else None


def _most(values: Iterable[float]) -> float | None:
    return max((max(0.0, round(one, 3)) for one in values), default=None)


class _Work(NamedTuple):
    """Seconds from a delivery to the end of the work on it: all, and less what others took."""

    lasted: float
    alone: float


def _work(view: RunModel) -> Iterator[_Work]:
    for life in view.workers.values():
        free = 0.0
        for attempt in life.attempts:
            end = _end_of_work(attempt, life, late=view.habits.live is False)
            if end is not None:
                delivered = attempt.delivered.at
                yield _Work(end - delivered, end - max(delivered, min(free, end)))
                free = max(free, end)


def _end_of_work(attempt: Attempt, life: WorkerLifetime, *, late: bool) -> float | None:
    """`late`: the lines of its log wait in a buffer, and tell no moment."""
    settled = attempt.settled
    if settled is None:
        return None
    if attempt.done is not None and not late:
        return max(attempt.done.at, settled.ref.at)
    if not settled.at_once:
        return settled.ref.at
    # It was settled with its delivery: the work lasts until the next is wanted.
    ask = life.requests.after(settled.ref.at)
    return ask.ref.at if ask else None


def _starts(view: RunModel) -> Iterable[float]:
    """From each pod's creation to its first connection, or to its container's start."""
    first: dict[str, float] = {}
    for life in view.workers.values():
        opened = [one.opened.at for one in life.connections if one.opened]
        seen = min(opened, default=life.run.running.at if life.run.running else None)
        if seen is not None:
            first[life.worker.pod] = min(first.get(life.worker.pod, seen), seen)
    for uid, seen in first.items():
        if uid in view.pods:
            yield max(0.0, seen - view.pods[uid].added.at)
