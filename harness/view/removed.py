"""An item that was removed by a worker that never had it: lost, unless an attempt had done it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.verdict import Finding, failed, unknown
from harness.view.items import Item, Settlement
from harness.view.words import shown

if TYPE_CHECKING:
    from harness.view.view import View


def removal(view: View, item: Item, settlement: Settlement) -> Finding | None:
    """What is to be said of it; None where the work on the item had come, or came, to its end."""
    if any(one.done is not None or one.void for one in item.attempts):
        return None
    lines = [one for one in view.unmatched if one.item == item.payload]
    if any(line.done for line in lines):
        return None
    what = (
        f"{view.cast.short(settlement.worker)}, which was never given {shown(item.payload)}, has "
        "removed it, and it did not come back"
    )
    evidence = [*(one.delivered.id for one in item.attempts[-1:]), settlement.mark.id]
    unclear = _unclear(view, item, settlement) if not lines else "it said that it begins with it"
    if unclear:
        return unknown(f"{what}: {unclear}", *evidence)
    return failed(f"{shown(item.payload)} is lost: {what}", *evidence)


def _unclear(view: View, item: Item, settlement: Settlement) -> str:
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
