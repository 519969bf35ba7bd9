"""Whether an item was worked on before it was settled: each settlement is asked for itself.

It is covered by lines of its own attempt, or by an earlier attempt on the item that is shown to
have finished. What a worker does as a rule says which lines to look for; it stands for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks.model.event_ref import evidence_ids
from harness.checks.model.items import Attempt, Item, Settlement
from harness.checks.model.log_habits import USUAL
from harness.checks.model.workers import WorkerLifetime
from harness.checks.verdict import Finding, failed, unknown
from harness.history.log_phrases import plain
from harness.history.preview import shown

if TYPE_CHECKING:
    from harness.checks.model.run_model import RunModel

#: Of the time for an item: who had it for less, and never says a word, has not worked on it.
_OF_SILENT = 0.5
#: Seconds by which a line may be behind what the wire shows.
_BEHIND = 2.0
#: Seconds between a delivery and its being held, at most.
_AT_ONCE = 0.1
LATE = (
    "its lines come late, as they do from a buffer, so their moments prove nothing: have them "
    "written at once (PYTHONUNBUFFERED=1, stdbuf -oL, sed -u)"
)


def missing_evidence(view: RunModel, item: Item, settlement: Settlement) -> Finding | None:
    """What is wrong with, or not known about, the way in which an item was settled."""
    attempt = next((one for one in item.attempts if one.settled is settlement), None)
    if settlement.how == "refused" and not item.dead:
        return _rejected(view, item, settlement, attempt)
    return _worked_on(view, item, settlement, attempt)


def _worked_on(
    view: RunModel, item: Item, settlement: Settlement, attempt: Attempt | None
) -> Finding | None:
    done = sum(one.done is not None for one in item.attempts)
    moved = item.payload == view.header.failing_item and _again(item, settlement)
    if item.dead or moved:
        return _set_aside(view, item, settlement)
    if done >= len(item.settled):
        return _in_no_time(view, item, attempt)
    life = view.life(attempt.worker if attempt else settlement.worker)
    if attempt is None or life is None:
        return unknown("nobody knows whose attempt was settled here", *evidence_ids(settlement.ref))
    if attempt.done:
        return None
    if settlement.at_once or view.settles_after_work is False:
        return _before_work(view, attempt, life)
    return _asked(view, item, attempt, life)


# -- by lines and time -----------------------------------------------------------------------------


def _asked(view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime) -> Finding | None:
    """Its worker is not known to settle before the work: what shows that it has worked on it?"""
    habits, printed = view.habits, plain(item.payload)
    starts, ends = habits.starts in USUAL and printed, habits.ends in USUAL and printed
    if len(item.enqueued) > 1:
        return _one_of_several(view, item, attempt, life, tells=starts or ends)
    if any(_finished(view, one) for one in _earlier(item, attempt)):
        return None
    if not starts and not ends:
        return _silent(view, item, attempt, life)
    long_enough = habits.enough is None or had(view, item, attempt) >= habits.enough
    if starts and attempt.started is not None:
        return _begun(view, item, attempt, life, ends=ends, long_enough=long_enough)
    if not long_enough and _heard(view, life, attempt):
        return _without(view, item, attempt, life, "has settled it without any work")
    return _unsure(view, attempt, life, "said nothing of the work on it")


def _one_of_several(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime, *, tells: bool
) -> Finding | None:
    """Of equal items nobody can say which of them a line is about: each worker's are counted."""
    own = [one for one in item.attempts if one.worker == life.worker]
    ends = sum(one.done is not None for one in own)
    silent = (
        tells and attempt.started is None and ends < sum(one.settled is not None for one in own)
    )
    if silent:
        return _unsure(view, attempt, life, "said nothing of the work on it")
    good = view.settles_after_work or _went_on(attempt, life)
    return None if good else _broken_off(view, attempt, life)


def _begun(
    view: RunModel,
    item: Item,
    attempt: Attempt,
    life: WorkerLifetime,
    *,
    ends: bool,
    long_enough: bool,
) -> Finding | None:
    """It said that it begins, and nothing about the end."""
    if view.settles_after_work and long_enough:
        return None  # of a worker that was killed at its report no more can be seen
    if not ends:
        went_on = long_enough and _went_on(attempt, life)
        return None if went_on else _broken_off(view, attempt, life)
    due = view.habits.ends_first or _undisturbed(view, life)
    if due and not long_enough and _heard(view, life, attempt):
        return _without(view, item, attempt, life, "has settled it in the middle of its work")
    return _unsure(view, attempt, life, "said nothing of its end")


def _silent(view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime) -> Finding | None:
    """Of a worker that prints nothing, or not this item, only the time can tell."""
    enough = view.habits.enough
    if enough is not None and plain(item.payload):
        time = had(view, item, attempt)
        if time < enough * _OF_SILENT and _earlier(item, attempt):
            return _without(view, item, attempt, life, "has settled it without any work")
        if time < enough:
            return _unsure(view, attempt, life, "prints nothing")
        figures = view.header.figures
        if figures.settles_after_work and figures.enough is not None:
            return None  # as of a worker that says its beginnings: it had this one for long enough
    return None if _went_on(attempt, life) else _broken_off(view, attempt, life)


def _in_no_time(view: RunModel, item: Item, attempt: Attempt | None) -> Finding | None:
    """Again, with all the words, and in no time: whether there was any work nobody can tell."""
    enough = view.habits.enough
    if attempt is None or attempt.done is None or enough is None or not view.settles_after_work:
        return None
    before = _earlier(item, attempt)
    if not before or len(item.enqueued) > 1 or any(_finished(view, one) for one in before):
        return None
    if had(view, item, attempt) >= enough * _OF_SILENT:
        return None
    return unknown(
        f"{shown(item.payload)} was done by {view.names.short(attempt.worker)} in less time than "
        "any item takes, after it had been another's",
        *evidence_ids(attempt.delivered, attempt.settled, attempt.done),
        suspect=True,
    )


def had(view: RunModel, item: Item, attempt: Attempt) -> float:
    """For how many seconds workers may have worked on an item, at most, up to a settlement."""
    settled = attempt.settled
    last = view.last if settled is None else settled.ref.at
    until = max(last, attempt.done.at if attempt.done else 0.0)
    before = sum(_before(view, one, attempt, until) for one in _earlier(item, attempt))
    return before + max(0.0, until - _came(view, attempt, until))


def _before(view: RunModel, earlier: Attempt, attempt: Attempt, until: float) -> float:
    """The same of an earlier attempt: until its worker was no more, or has given the item back.

    Who was cut off, or has lost its lease, may work on.
    """
    ends = [attempt.delivered.at if earlier.worker == attempt.worker else until]
    if earlier.how == "returned" and earlier.ended is not None:
        ends.append(earlier.ended.at)
    life = view.life(earlier.worker)
    if life is not None and life.end is not None:
        ends.append(life.end.latest)
    if earlier.worker is not None and earlier.worker in view.fault_log.landed:
        ends.append(view.fault_log.landed[earlier.worker].at)
    return max(0.0, min(ends) - _came(view, earlier, until))


def _came(view: RunModel, attempt: Attempt, until: float) -> float:
    """When an item came to its worker; `until` where it never did."""
    since = attempt.delivered.at
    connection = view.connections.get(attempt.connection)
    for hold in connection.holds if connection else ():
        if hold.towards == "client" and abs(hold.held.at - attempt.delivered.at) < _AT_ONCE:
            since = until if hold.released is None else max(since, hold.released.at)
    return since


def _earlier(item: Item, attempt: Attempt) -> list[Attempt]:
    return [one for one in item.attempts if one.delivered.id < attempt.delivered.id]


def _finished(view: RunModel, attempt: Attempt) -> bool:
    """Whether an attempt had come to the end of its work, though it was not settled.

    Its worker says so; or it was stopped at its report, and reports after the work.
    """
    if attempt.done is not None:
        return True
    if not view.settles_after_work:
        return False
    enough, life = view.habits.enough or 0.0, view.life(attempt.worker)
    return any(
        hold.towards == "broker"
        and bool(hold.point)
        and hold.held.at - attempt.delivered.at >= enough
        and (attempt.ended is None or hold.held.at <= attempt.ended.at)
        for connection in (life.connections if life else ())
        for hold in connection.holds
    )


def _undisturbed(view: RunModel, life: WorkerLifetime) -> bool:
    """Whether nothing kept a worker from what it does after a report."""
    if any(one.worker == life.worker for one in view.fault_log.injected):
        return life.end is not None and not life.end.by_signal
    return not any(hold.towards == "client" for one in life.connections for hold in one.holds)


def _heard(view: RunModel, life: WorkerLifetime, attempt: Attempt) -> bool:
    """Whether what this worker has not said by now it did not say."""
    if not life.run.log_whole:
        return False
    if life.end is None:
        since = attempt.delivered.at if attempt.settled is None else attempt.settled.effect
        return view.habits.live is True and view.last > since + _BEHIND
    # What waits in a buffer comes when its process ends, unless that is killed.
    return view.habits.live is True or not life.end.by_signal


def _without(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime, how: str
) -> Finding:
    return failed(
        f"{view.names.short(life.worker)} {how}: {shown(item.payload)} was at work for "
        f"{had(view, item, attempt):.2f} s, less than {view.habits.enough:.2f} s, which any item "
        "takes",
        *evidence_ids(
            *(one.delivered for one in _earlier(item, attempt)[-1:]),
            attempt.delivered,
            attempt.started,
            attempt.settled,
            life.end,
        ),
    )


def _unsure(view: RunModel, attempt: Attempt, life: WorkerLifetime, what: str) -> Finding:
    why = f"; {LATE}" if view.habits.live is False else ""
    if not why and attempt.started is None:
        why = "; where it says so in other words, --start-pattern and --done-pattern tell"
    return unknown(
        f"{view.names.short(life.worker)} has settled {shown(attempt.item)} and {what}, as it does "
        f"of others: whether it was done is not known{why}",
        *evidence_ids(attempt.delivered, attempt.started, attempt.settled, life.end),
        suspect=True,
    )


# -- set aside -------------------------------------------------------------------------------------


def _set_aside(view: RunModel, item: Item, settlement: Settlement) -> Finding | None:
    """A place for what failed too often is none for what was cut off once, or one that is lost."""
    if settlement.how != "dead" or item.payload == view.header.failing_item:
        return None
    evidence = evidence_ids(*(one.delivered for one in item.attempts[-1:]), settlement.ref)
    if view.depths and not any(one.where == "dead" for one in item.left):
        return unknown(
            f"{shown(item.payload)} was set aside, and at the end it was found nowhere",
            *evidence,
            suspect=True,
        )
    harmed = {one.worker for one in view.fault_log.injected if one.worker is not None}
    attempts = [one for one in item.attempts if one.delivered.id <= settlement.ref.id]
    if len(attempts) == 1 and attempts[0].worker in harmed and view.header.max_attempts > 1:
        return unknown(
            f"{shown(item.payload)} was set aside when its first worker was lost: nobody has tried "
            "it again (--max-attempts 1 says that this is meant)",
            *evidence,
            suspect=True,
        )
    return None


def _again(item: Item, settlement: Settlement) -> bool:
    """Whether it was sent once more since: by its worker, or by a queue in which it waited."""
    return any(one.id > settlement.ref.id for one in item.enqueued)


def _rejected(
    view: RunModel, item: Item, settlement: Settlement, attempt: Attempt | None
) -> Finding | None:
    """It was rejected for good: did it come to any other queue?"""
    if _again(item, settlement):
        return None
    name = shown(item.payload)
    evidence = evidence_ids(settlement.ref, *(one.ref for one in view.depths[-1:]))
    doubt = view.copy_of(attempt) if attempt is not None else None
    if doubt is not None:
        told = f"{name} was rejected without requeue. {doubt[0]}"
        return unknown(told, *evidence, doubt[1].id, suspect=True)
    if view.had_no_effect(settlement):
        return failed(
            f"{name} is lost: {view.names.short(settlement.worker)} rejected it without requeue, "
            "its queue has no dead-letter exchange, and no queue had a copy of it",
            *evidence,
        )
    where = "no queue that a worker declared had it at the end" if view.depths else "nobody looked"
    return unknown(
        f"{name} was rejected without requeue, and {where}: let the worker declare the queue that "
        "its dead letters come to",
        *evidence,
        suspect=True,
    )


# -- settled before the work -----------------------------------------------------------------------


def _before_work(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding | None:
    if _passed_over(attempt, life):
        return _lost(view, attempt, life, "never began with it")
    return None if _went_on(attempt, life) else _broken_off(view, attempt, life)


def _passed_over(attempt: Attempt, life: WorkerLifetime) -> bool:
    """Taken for good, one of several, and left aside: of others, its worker says that it began."""
    settled = attempt.settled
    if settled is None or not settled.at_once or not life.success or attempt.started:
        return False
    return any(one.started or one.done for one in life.attempts)


def _went_on(attempt: Attempt, life: WorkerLifetime) -> bool:
    """Whether the worker did what it does only when it has finished with an item."""
    settled = attempt.settled
    if life.success or (settled is not None and life.requests.after(settled.effect)):
        return True
    later = (one for one in life.attempts if one.delivered.id > attempt.delivered.id)
    return any(one.started or (one.settled and not one.settled.at_once) for one in later)


def _broken_off(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding | None:
    """Its worker did nothing after the settlement: did it die in the attempt?"""
    item, evidence = attempt.item, evidence_ids(attempt.delivered, attempt.settled)
    if life.end is None:
        return unknown(
            f"{shown(item)} was settled, and whether it was done is not known", *evidence
        )
    figures = view.header.figures
    at_once = attempt.settled is not None and attempt.settled.at_once
    if not at_once and view.settles_after_work is not False:
        late = f"; {LATE}" if view.habits.live is False else ""
        if view.habits.ends == "never":
            late = "; a line about the end of the work would (--done-pattern)"
        return unknown(
            f"{view.names.short(life.worker)} ended after it had settled {shown(item)}, "
            "and nothing "
            f"tells whether it settles before or after the work{late}",
            *evidence,
            life.end.ref.id,
        )
    lived = life.end.earliest - attempt.delivered.at
    if figures.work and lived > 2 * figures.work + 1:
        return unknown(
            f"{view.names.short(life.worker)} had {lived:.1f} s for {shown(item)} before it ended: "
            "it may have done it",
            *evidence,
            life.end.ref.id,
        )
    return _lost(view, attempt, life, "died in the work on it")


def _lost(view: RunModel, attempt: Attempt, life: WorkerLifetime, how: str) -> Finding:
    settled, end = attempt.settled, life.end
    marks = (attempt.delivered, settled, end, view.job.complete)
    says = any(one.done for one in view.attempts)
    if says and not life.run.log_whole:
        return unknown(
            f"the log of {view.names.short(life.worker)} is not whole: it may have said that "
            f"{shown(attempt.item)} was done",
            *evidence_ids(*marks),
        )
    return failed(
        f"{shown(attempt.item)} is lost: settled for {view.names.short(life.worker)}, which {how}",
        *evidence_ids(*marks),
    )
