"""S1: what the broker has forgotten was worked on to its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.invariants import Invariant, ids
from harness.verdict import Finding, Subject, failed, passed, unknown
from harness.view import Attempt, Item, Life, Settlement, View, several, shown


def check(view: View) -> Iterator[Finding]:
    good, settled = 0, []
    for item in view.sent:
        for settlement in item.settled:
            finding = _settled(view, item, settlement)
            if finding is None:
                good += 1
                settled.append(settlement.mark)
            else:
                yield finding
        yield from _never_settled(view, item)
    if good:
        yield passed(f"{several(good, 'item')} settled after the work on it", *ids(*settled[:1]))


def _settled(view: View, item: Item, settlement: Settlement) -> Finding | None:
    """What is wrong with, or not known about, the way in which an item was settled."""
    attempt = next((one for one in item.attempts if one.settled is settlement), None)
    done = sum(one.done is not None for one in item.attempts)
    if item.dead or done >= len(item.settled):
        return None
    life = view.life(attempt.worker if attempt else settlement.worker)
    if attempt is None or life is None:
        return unknown("nobody knows whose attempt was settled here", *ids(settlement.mark))
    if attempt.done or (view.header.figures.settles_after_work and not settlement.at_once):
        return None
    if _passed_over(attempt, life):
        return _lost(view, attempt, life, "never began with it")
    if _went_on(attempt, settlement, life):
        return None
    return _broken_off(view, attempt, settlement, life)


def _passed_over(attempt: Attempt, life: Life) -> bool:
    """Taken for good, one of several, and left aside: of others, its worker says that it began."""
    settled = attempt.settled
    if settled is None or not settled.at_once or not life.success or attempt.started:
        return False
    return any(one.started or one.done for one in life.attempts)


def _went_on(attempt: Attempt, settlement: Settlement, life: Life) -> bool:
    """Whether the worker did what it does only when it has finished with an item."""
    if life.success or life.asks.after(settlement.effect):
        return True
    later = (one for one in life.attempts if one.delivered.id > attempt.delivered.id)
    return any(one.started or (one.settled and not one.settled.at_once) for one in later)


def _broken_off(view: View, attempt: Attempt, settlement: Settlement, life: Life) -> Finding | None:
    """Its worker did nothing after the settlement: did it die in the attempt?"""
    item, evidence = attempt.item, ids(attempt.delivered, settlement.mark)
    if life.end is None:
        return unknown(
            f"{shown(item)} was settled, and whether it was done is not known", *evidence
        )
    figures = view.header.figures
    early = settlement.at_once or figures.settles_after_work is False
    if not early:
        return unknown(
            f"{view.cast.short(life.worker)} ended after it had settled {shown(item)}, and nothing "
            "tells whether it settles before or after the work",
            *evidence,
            life.end.mark.id,
        )
    lived = life.end.earliest - attempt.delivered.at
    if figures.work and lived > 2 * figures.work + 1:
        return unknown(
            f"{view.cast.short(life.worker)} had {lived:.1f} s for {shown(item)} before it ended: "
            "it may have done it",
            *evidence,
            life.end.mark.id,
        )
    return _lost(view, attempt, life, "died in the work on it")


def _lost(view: View, attempt: Attempt, life: Life, how: str) -> Finding:
    settled, end = attempt.settled, life.end
    marks = (attempt.delivered, settled, end, view.job.complete)
    says = any(one.done for one in view.attempts)
    if says and not life.run.log_whole:
        return unknown(
            f"the log of {view.cast.short(life.worker)} is not whole: it may have said that "
            f"{shown(attempt.item)} was done",
            *ids(*marks),
        )
    return failed(
        f"{shown(attempt.item)} is lost: settled for {view.cast.short(life.worker)}, which {how}",
        *ids(*marks),
    )


def _never_settled(view: View, item: Item) -> Iterable[Finding]:
    if not item.unsettled:
        return
    if view.job.complete is not None:
        last = item.attempts[-1].delivered if item.attempts else None
        left = item.left[-1].mark if item.left else None
        yield failed(
            f"the Job is Complete, and nobody has settled {shown(item.payload)}",
            *ids(item.enqueued[-1], last, view.job.complete, left),
            subject=Subject.JOB if view.too_few_completions else Subject.WORKER,
        )
    elif view.depths and not item.left:
        yield unknown(
            f"{shown(item.payload)} is gone from the broker, and nobody was seen to settle it",
            *ids(item.enqueued[-1], view.depths[-1].mark),
        )


INVARIANT = Invariant("S1", "no loss", ("coarse", "fine"), check)
