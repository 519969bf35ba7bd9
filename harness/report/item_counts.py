"""Count what happened to the items of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec

from harness.checks.judge import Judgement
from harness.checks.model import Attempt, Item, RunModel
from harness.checks.verdict import Outcome
from harness.history import Event
from harness.history.preview import shown


class Counts(msgspec.Struct, frozen=True):
    """The counts of one run. `InvariantRow` has the same fields."""

    seeded: int
    completed: int
    lost: tuple[str, ...] | None
    duplicates: tuple[str, ...]
    reclaimed: int
    max_reclaim_latency: float | None


def counts(view: RunModel, judgement: Judgement, shown_by: Mapping[int, Event]) -> Counts:
    """Count the items. `shown_by` maps event ids to the events that the findings cite."""
    latencies = [entry for item in view.sent for entry in _latencies(view, item)]
    return Counts(
        seeded=view.enqueued,
        completed=sum(min(len(item.enqueued), _ack_count(item)) for item in view.sent),
        lost=_lost(judgement, shown_by),
        duplicates=tuple(
            shown(entry.payload)
            for entry in view.sent
            if _completion_count(entry) > _enqueue_count(entry)
        ),
        reclaimed=sum(max(0, len(item.attempts) - _enqueue_count(item)) for item in view.sent),
        max_reclaim_latency=round(max(latencies), 3) if latencies else None,
    )


def _enqueue_count(item: Item) -> int:
    return len(item.enqueued)


def _ack_count(item: Item) -> int:
    return sum(settlement.how == "acked" for settlement in item.settled)


def _completion_count(item: Item) -> int:
    """Return how many attempts completed the work on the item, as far as was observed."""
    return sum(_is_completed(attempt) for attempt in item.attempts)


def _is_completed(attempt: Attempt) -> bool:
    settled = attempt.settled
    return attempt.done is not None or (
        settled is not None and settled.how == "acked" and not settled.at_once
    )


def _lost(judgement: Judgement, shown_by: Mapping[int, Event]) -> tuple[str, ...] | None:
    """Return the items that S1 reports as lost, or None where S1 is unknown."""
    if "S1" not in judgement.verdicts or judgement.outcome("S1") is Outcome.UNKNOWN:
        return None
    items = {
        shown(item): None
        for finding in judgement.attributed_to_image("S1").findings
        if finding.outcome is Outcome.FAIL
        for event in finding.evidence
        if event in shown_by and (item := getattr(shown_by[event].what, "item", None)) is not None
    }
    return tuple(items)


def _latencies(view: RunModel, item: Item) -> Iterator[float]:
    """Yield seconds from the end of an item's holder to the next delivery of the item."""
    for earlier, later in pairwise(item.attempts):
        closed = view.connections[earlier.connection].closed
        life = view.life(earlier.worker)
        ends = [] if closed is None else [closed.at]
        if life is not None and life.end is not None:
            ends.append(life.end.earliest)
        passed = [end for end in ends if end <= later.delivered.at]
        if earlier.settled is None and passed:
            yield later.delivered.at - max(passed)
