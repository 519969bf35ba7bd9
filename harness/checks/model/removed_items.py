"""Items removed by a worker that never had them.

Such an item is lost, unless an attempt had finished it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks.model.items import Attempt, Item, Settlement
from harness.checks.model.log_habits import USUAL
from harness.checks.verdict import Finding, failed, unknown
from harness.history.preview import shown

if TYPE_CHECKING:
    from harness.checks.model.run_model import RunModel


def removal_finding(view: RunModel, item: Item, settlement: Settlement) -> Finding | None:
    """Return a finding about a removal; None if the work on the item was, or got, finished."""
    if any(entry.done is not None or entry.void for entry in item.attempts):
        return None
    if settlement.how == "expired":
        return _expiry_finding(view, item, settlement)
    lines = [entry for entry in view.unmatched if entry.item == item.payload]
    if any(line.done for line in lines):
        return None
    removal = (
        f"{view.names.short(settlement.worker)}, which was never given {shown(item.payload)}, has "
        "removed it, and it did not come back"
    )
    evidence = [*(entry.delivered.id for entry in item.attempts[-1:]), settlement.ref.id]
    uncertainty = (
        _uncertainty(view, item, settlement) if not lines else "it said that it begins with it"
    )
    if uncertainty:
        return unknown(f"{removal}: {uncertainty}", *evidence)
    return failed(f"{shown(item.payload)} is lost: {removal}", *evidence)


def _expiry_finding(view: RunModel, item: Item, settlement: Settlement) -> Finding:
    """Judge an item whose key expired, and no attempt is known to have finished it."""
    text = f"{shown(item.payload)} is lost: the key in which it lay ran out before it was settled"
    evidence = [*(attempt.delivered.id for attempt in item.attempts[-1:]), settlement.ref.id]
    lives = [life for attempt in item.attempts if (life := view.life(attempt.worker)) is not None]
    if len(lives) < len(item.attempts) or not all(life.run.log_whole for life in lives):
        return unknown(f"{text}; who had it, or all that they said, is not known", *evidence)
    if view.habits.ends in USUAL:
        return failed(text, *evidence)
    enough = view.habits.enough
    if enough is not None and all(
        _working_time(view, attempt) < enough for attempt in item.attempts
    ):
        return failed(text, *evidence)
    return unknown(f"{text}; it may have been done, for these workers say no end", *evidence)


def _working_time(view: RunModel, attempt: Attempt) -> float:
    """Return the seconds that its worker can have worked on it."""
    life = view.life(attempt.worker)
    gone = life.gone_from if life is not None else None
    return (view.last if gone is None else gone) - attempt.delivered.at


def _uncertainty(view: RunModel, item: Item, settlement: Settlement) -> str:
    """Return why it is unknown whether an attempt finished the item, or an empty string."""
    lives = [
        life
        for worker in (settlement.worker, *(attempt.worker for attempt in item.attempts))
        if (life := view.life(worker)) is not None
    ]
    if settlement.worker is None or len(lives) <= len(item.attempts):
        return "whose that was, or who had it, is not known"
    if not all(life.run.log_whole for life in lives):
        return "a log is not whole, so it may have been done"
    if not any(attempt.started for attempt in view.attempts):
        return "these workers do not say with what they begin, so it may have done it"
    if any(attempt.done for attempt in view.attempts):
        return ""
    alive = any(life.end is None or life.success for life in lives[1:])
    return "its holder lived on, and says nothing when it has finished" if alive else ""
