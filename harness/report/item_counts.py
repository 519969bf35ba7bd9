"""What became of the items of a run, in numbers."""

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
    """See `InvariantRow`, which has the same fields."""

    seeded: int
    completed: int
    lost: tuple[str, ...] | None
    duplicates: tuple[str, ...]
    reclaimed: int
    max_reclaim_latency: float | None


def counts(view: RunModel, judgement: Judgement, shown_by: Mapping[int, Event]) -> Counts:
    """The numbers; `shown_by` has the events by which the findings are shown."""
    latencies = [one for item in view.sent for one in _latencies(view, item)]
    return Counts(
        seeded=view.enqueued,
        completed=sum(min(len(item.enqueued), _acked(item)) for item in view.sent),
        lost=_lost(judgement, shown_by),
        duplicates=tuple(shown(one.payload) for one in view.sent if _worked(one) > _sent(one)),
        reclaimed=sum(max(0, len(item.attempts) - _sent(item)) for item in view.sent),
        max_reclaim_latency=round(max(latencies), 3) if latencies else None,
    )


def _sent(item: Item) -> int:
    return len(item.enqueued)


def _acked(item: Item) -> int:
    return sum(one.how == "acked" for one in item.settled)


def _worked(item: Item) -> int:
    """How often somebody came to the end of the work on it, as far as it was seen."""
    return sum(_ended(one) for one in item.attempts)


def _ended(attempt: Attempt) -> bool:
    settled = attempt.settled
    return attempt.done is not None or (
        settled is not None and settled.how == "acked" and not settled.at_once
    )


def _lost(judgement: Judgement, shown_by: Mapping[int, Event]) -> tuple[str, ...] | None:
    """The items that S1 says are lost; None where it does not know."""
    if "S1" not in judgement.verdicts or judgement.outcome("S1") is Outcome.UNKNOWN:
        return None
    items = {
        shown(item): None
        for finding in judgement.attributed_to_image("S1").findings
        if finding.outcome is Outcome.FAIL
        for one in finding.evidence
        if one in shown_by and (item := getattr(shown_by[one].what, "item", None)) is not None
    }
    return tuple(items)


def _latencies(view: RunModel, item: Item) -> Iterator[float]:
    """From the end of who had it to its next delivery, in seconds."""
    for earlier, later in pairwise(item.attempts):
        closed = view.connections[earlier.connection].closed
        life = view.life(earlier.worker)
        ends = [] if closed is None else [closed.at]
        if life is not None and life.end is not None:
            ends.append(life.end.earliest)
        gone = [end for end in ends if end <= later.delivered.at]
        if earlier.settled is None and gone:
            yield later.delivered.at - max(gone)
