"""An item that was removed by a worker that never had it: lost, unless an attempt had done it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks.model.items import Attempt, Item, Settlement
from harness.checks.model.log_habits import USUAL
from harness.checks.verdict import Finding, failed, unknown
from harness.history.preview import shown

if TYPE_CHECKING:
    from harness.checks.model.run_model import RunModel


def removal_finding(view: RunModel, item: Item, settlement: Settlement) -> Finding | None:
    """What is to be said of it; None where the work on the item had come, or came, to its end."""
    if any(one.done is not None or one.void for one in item.attempts):
        return None
    if settlement.how == "expired":
        return _expired(view, item, settlement)
    lines = [one for one in view.unmatched if one.item == item.payload]
    if any(line.done for line in lines):
        return None
    what = (
        f"{view.names.short(settlement.worker)}, which was never given {shown(item.payload)}, has "
        "removed it, and it did not come back"
    )
    evidence = [*(one.delivered.id for one in item.attempts[-1:]), settlement.ref.id]
    unclear = _unclear(view, item, settlement) if not lines else "it said that it begins with it"
    if unclear:
        return unknown(f"{what}: {unclear}", *evidence)
    return failed(f"{shown(item.payload)} is lost: {what}", *evidence)


def _expired(view: RunModel, item: Item, settlement: Settlement) -> Finding:
    """The key in which it lay ran out, and no attempt is known to have done it."""
    text = f"{shown(item.payload)} is lost: the key in which it lay ran out before it was settled"
    evidence = [*(one.delivered.id for one in item.attempts[-1:]), settlement.ref.id]
    lives = [life for one in item.attempts if (life := view.life(one.worker)) is not None]
    if len(lives) < len(item.attempts) or not all(life.run.log_whole for life in lives):
        return unknown(f"{text}; who had it, or all that they said, is not known", *evidence)
    if view.habits.ends in USUAL:
        return failed(text, *evidence)
    enough = view.habits.enough
    if enough is not None and all(_time(view, one) < enough for one in item.attempts):
        return failed(text, *evidence)
    return unknown(f"{text}; it may have been done, for these workers say no end", *evidence)


def _time(view: RunModel, attempt: Attempt) -> float:
    """Seconds that its worker can have worked on it."""
    life = view.life(attempt.worker)
    gone = life.gone_from if life is not None else None
    return (view.last if gone is None else gone) - attempt.delivered.at


def _unclear(view: RunModel, item: Item, settlement: Settlement) -> str:
    """Why nobody can say that no attempt has done it, or empty."""
    lives = [
        life
        for worker in (settlement.worker, *(one.worker for one in item.attempts))
        if (life := view.life(worker)) is not None
    ]
    if settlement.worker is None or len(lives) <= len(item.attempts):
        return "whose that was, or who had it, is not known"
    if not all(life.run.log_whole for life in lives):
        return "a log is not whole, so it may have been done"
    if not any(one.started for one in view.attempts):
        return "these workers do not say with what they begin, so it may have done it"
    if any(one.done for one in view.attempts):
        return ""
    alive = any(life.end is None or life.success for life in lives[1:])
    return "its holder lived on, and says nothing when it has finished" if alive else ""
