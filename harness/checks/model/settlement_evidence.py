"""Whether an item was settled after the work on it; each settlement is judged separately.

The evidence is log lines of the same attempt, or an earlier attempt on the item that is shown to
have finished. The usual behaviour of a worker shows which lines to expect; it replaces none.
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

#: Share of the usual time: a worker that logs nothing and had the item for less did no work.
_SILENT_SHARE = 0.5
#: Seconds by which a log line may be behind the wire.
_LOG_DELAY = 2.0
#: Seconds between a delivery and the hold on it, at most.
_HOLD_DELAY = 0.1
LATE = (
    "its lines come late, as they do from a buffer, so their moments prove nothing: have them "
    "written at once (PYTHONUNBUFFERED=1, stdbuf -oL, sed -u)"
)


def missing_evidence(view: RunModel, item: Item, settlement: Settlement) -> Finding | None:
    """Return a finding if the settlement of an item was wrong, or is unclear."""
    attempt = next(
        (candidate for candidate in item.attempts if candidate.settled is settlement), None
    )
    if settlement.how == "refused" and not item.dead:
        return _judge_rejected(view, item, settlement, attempt)
    return _judge_work(view, item, settlement, attempt)


def _judge_work(
    view: RunModel, item: Item, settlement: Settlement, attempt: Attempt | None
) -> Finding | None:
    done = sum(entry.done is not None for entry in item.attempts)
    moved = item.payload == view.header.failing_item and _enqueued_again(item, settlement)
    if item.dead or moved:
        return _judge_dead_lettered(view, item, settlement)
    if done >= len(item.settled):
        return _judge_fast_repeat(view, item, attempt)
    life = view.life(attempt.worker if attempt else settlement.worker)
    if attempt is None or life is None:
        return unknown("nobody knows whose attempt was settled here", *evidence_ids(settlement.ref))
    if attempt.done:
        return None
    if settlement.at_once or view.settles_after_work is False:
        return _judge_settled_before_work(view, attempt, life)
    return _judge_by_log_and_time(view, item, attempt, life)


# -- by lines and time -----------------------------------------------------------------------------


def _judge_by_log_and_time(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime
) -> Finding | None:
    """Judge a worker that is not known to settle before the work.

    Do its lines, or its time, show that it worked on the item?
    """
    habits, printed = view.habits, plain(item.payload)
    starts, ends = habits.starts in USUAL and printed, habits.ends in USUAL and printed
    if len(item.enqueued) > 1:
        return _judge_equal_item(view, item, attempt, life, tells=starts or ends)
    if any(_finished(view, earlier) for earlier in _earlier(item, attempt)):
        return None
    if not starts and not ends:
        return _judge_silent(view, item, attempt, life)
    long_enough = habits.enough is None or had(view, item, attempt) >= habits.enough
    if starts and attempt.started is not None:
        return _judge_started(view, item, attempt, life, ends=ends, long_enough=long_enough)
    if not long_enough and _log_is_final(view, life, attempt):
        return _without_work(view, item, attempt, life, "has settled it without any work")
    return _unproved(view, attempt, life, "said nothing of the work on it")


def _judge_equal_item(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime, *, tells: bool
) -> Finding | None:
    """Judge one of several equal items: which of them a line is about is unknown.

    So the lines and settlements of each worker are counted.
    """
    own_attempts = [entry for entry in item.attempts if entry.worker == life.worker]
    ends = sum(entry.done is not None for entry in own_attempts)
    silent = (
        tells
        and attempt.started is None
        and ends < sum(entry.settled is not None for entry in own_attempts)
    )
    if silent:
        return _unproved(view, attempt, life, "said nothing of the work on it")
    continued = view.settles_after_work or _went_on(attempt, life)
    return None if continued else _broken_off(view, attempt, life)


def _judge_started(
    view: RunModel,
    item: Item,
    attempt: Attempt,
    life: WorkerLifetime,
    *,
    ends: bool,
    long_enough: bool,
) -> Finding | None:
    """Judge an attempt with a start line, but without an end line."""
    if view.settles_after_work and long_enough:
        return None  # no more is visible if it was killed at its report
    if not ends:
        continued = long_enough and _went_on(attempt, life)
        return None if continued else _broken_off(view, attempt, life)
    end_expected = view.habits.ends_first or _undisturbed(view, life)
    if end_expected and not long_enough and _log_is_final(view, life, attempt):
        return _without_work(view, item, attempt, life, "has settled it in the middle of its work")
    return _unproved(view, attempt, life, "said nothing of its end")


def _judge_silent(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime
) -> Finding | None:
    """Judge a worker without lines about this item: only the time can show its work."""
    enough = view.habits.enough
    if enough is not None and plain(item.payload):
        seconds = had(view, item, attempt)
        if seconds < enough * _SILENT_SHARE and _earlier(item, attempt):
            return _without_work(view, item, attempt, life, "has settled it without any work")
        if seconds < enough:
            return _unproved(view, attempt, life, "prints nothing")
        figures = view.header.figures
        if figures.settles_after_work and figures.enough is not None:
            return None  # as for a worker with start lines: it had this one for long enough
    return None if _went_on(attempt, life) else _broken_off(view, attempt, life)


def _judge_fast_repeat(view: RunModel, item: Item, attempt: Attempt | None) -> Finding | None:
    """Judge a repeated attempt that has all its log lines, but was faster than any work.

    Whether there was any work is unknown.
    """
    enough = view.habits.enough
    if attempt is None or attempt.done is None or enough is None or not view.settles_after_work:
        return None
    earlier_attempts = _earlier(item, attempt)
    if (
        not earlier_attempts
        or len(item.enqueued) > 1
        or any(_finished(view, earlier_attempt) for earlier_attempt in earlier_attempts)
    ):
        return None
    if had(view, item, attempt) >= enough * _SILENT_SHARE:
        return None
    return unknown(
        f"{shown(item.payload)} was done by {view.names.short(attempt.worker)} in less time than "
        "any item takes, after it had been another's",
        *evidence_ids(attempt.delivered, attempt.settled, attempt.done),
        suspect=True,
    )


def had(view: RunModel, item: Item, attempt: Attempt) -> float:
    """Return the most seconds that workers may have worked on an item before a settlement."""
    settled = attempt.settled
    end = view.last if settled is None else settled.ref.at
    until = max(end, attempt.done.at if attempt.done else 0.0)
    earlier_seconds = sum(
        _time_of_earlier(view, earlier, attempt, until) for earlier in _earlier(item, attempt)
    )
    return earlier_seconds + max(0.0, until - _arrival(view, attempt, until))


def _time_of_earlier(view: RunModel, earlier: Attempt, attempt: Attempt, until: float) -> float:
    """Return the most seconds of an earlier attempt: up to its worker's end, or the return.

    A worker that was cut off, or has lost its lease, may continue to work.
    """
    ends = [attempt.delivered.at if earlier.worker == attempt.worker else until]
    if earlier.how == "returned" and earlier.ended is not None:
        ends.append(earlier.ended.at)
    life = view.life(earlier.worker)
    if life is not None and life.end is not None:
        ends.append(life.end.latest)
    if earlier.worker is not None and earlier.worker in view.fault_log.landed:
        ends.append(view.fault_log.landed[earlier.worker].at)
    return max(0.0, min(ends) - _arrival(view, earlier, until))


def _arrival(view: RunModel, attempt: Attempt, until: float) -> float:
    """Return when an item reached its worker; `until` if it never did."""
    arrived = attempt.delivered.at
    connection = view.connections.get(attempt.connection)
    for hold in connection.holds if connection else ():
        if hold.towards == "client" and abs(hold.held.at - attempt.delivered.at) < _HOLD_DELAY:
            arrived = until if hold.released is None else max(arrived, hold.released.at)
    return arrived


def _earlier(item: Item, attempt: Attempt) -> list[Attempt]:
    return [other for other in item.attempts if other.delivered.id < attempt.delivered.id]


def _finished(view: RunModel, attempt: Attempt) -> bool:
    """Return whether an attempt finished its work, although it was not settled.

    Its worker logged the end; or it was stopped at its report, and it reports after the work.
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
    """Return whether no fault kept a worker from what it does after a report."""
    if any(entry.worker == life.worker for entry in view.fault_log.injected):
        return life.end is not None and not life.end.by_signal
    return not any(hold.towards == "client" for entry in life.connections for hold in entry.holds)


def _log_is_final(view: RunModel, life: WorkerLifetime, attempt: Attempt) -> bool:
    """Return whether the log of this worker is complete: a line missing now was never written."""
    if not life.run.log_whole:
        return False
    if life.end is None:
        since = attempt.delivered.at if attempt.settled is None else attempt.settled.effect
        return view.habits.live is True and view.last > since + _LOG_DELAY
    # A buffer is flushed when its process ends, unless that is killed.
    return view.habits.live is True or not life.end.by_signal


def _without_work(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime, how: str
) -> Finding:
    return failed(
        f"{view.names.short(life.worker)} {how}: {shown(item.payload)} was at work for "
        f"{had(view, item, attempt):.2f} s, less than {view.habits.enough:.2f} s, which any item "
        "takes",
        *evidence_ids(
            *(earlier.delivered for earlier in _earlier(item, attempt)[-1:]),
            attempt.delivered,
            attempt.started,
            attempt.settled,
            life.end,
        ),
    )


def _unproved(view: RunModel, attempt: Attempt, life: WorkerLifetime, what: str) -> Finding:
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


def _judge_dead_lettered(view: RunModel, item: Item, settlement: Settlement) -> Finding | None:
    """Judge a dead-lettered item: is it in the dead-letter place, and was it tried again.

    That place is for items that failed too often, neither for an item that was cut off once nor for
    one that is lost.
    """
    if settlement.how != "dead" or item.payload == view.header.failing_item:
        return None
    evidence = evidence_ids(*(entry.delivered for entry in item.attempts[-1:]), settlement.ref)
    if view.depths and not any(entry.where == "dead" for entry in item.left):
        return unknown(
            f"{shown(item.payload)} was set aside, and at the end it was found nowhere",
            *evidence,
            suspect=True,
        )
    faulted_workers = {
        entry.worker for entry in view.fault_log.injected if entry.worker is not None
    }
    attempts = [entry for entry in item.attempts if entry.delivered.id <= settlement.ref.id]
    if (
        len(attempts) == 1
        and attempts[0].worker in faulted_workers
        and view.header.max_attempts > 1
    ):
        return unknown(
            f"{shown(item.payload)} was set aside when its first worker was lost: nobody has tried "
            "it again (--max-attempts 1 says that this is meant)",
            *evidence,
            suspect=True,
        )
    return None


def _enqueued_again(item: Item, settlement: Settlement) -> bool:
    """Return whether the item was enqueued again since.

    Its worker may have done that, or a queue in which it waited.
    """
    return any(event_ref.id > settlement.ref.id for event_ref in item.enqueued)


def _judge_rejected(
    view: RunModel, item: Item, settlement: Settlement, attempt: Attempt | None
) -> Finding | None:
    """Judge an item that was rejected for good, by whether it reached another queue."""
    if _enqueued_again(item, settlement):
        return None
    name = shown(item.payload)
    evidence = evidence_ids(settlement.ref, *(depth.ref for depth in view.depths[-1:]))
    doubt = view.copy_of(attempt) if attempt is not None else None
    if doubt is not None:
        doubtful_reason = f"{name} was rejected without requeue. {doubt[0]}"
        return unknown(doubtful_reason, *evidence, doubt[1].id, suspect=True)
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


def _judge_settled_before_work(
    view: RunModel, attempt: Attempt, life: WorkerLifetime
) -> Finding | None:
    if _passed_over(attempt, life):
        return _lost_item(view, attempt, life, "never began with it")
    return None if _went_on(attempt, life) else _broken_off(view, attempt, life)


def _passed_over(attempt: Attempt, life: WorkerLifetime) -> bool:
    """Return whether the worker took the item for good, as one of several, and never began it.

    For other items this worker does log a start.
    """
    settled = attempt.settled
    if settled is None or not settled.at_once or not life.success or attempt.started:
        return False
    return any(other.started or other.done for other in life.attempts)


def _went_on(attempt: Attempt, life: WorkerLifetime) -> bool:
    """Return whether the worker did what it does only after it has finished an item."""
    settled = attempt.settled
    if life.success or (settled is not None and life.requests.after(settled.effect)):
        return True
    later = (
        following for following in life.attempts if following.delivered.id > attempt.delivered.id
    )
    return any(
        following.started or (following.settled and not following.settled.at_once)
        for following in later
    )


def _broken_off(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding | None:
    """Judge a worker that did nothing after the settlement: it may have died in the attempt."""
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
    return _lost_item(view, attempt, life, "died in the work on it")


def _lost_item(view: RunModel, attempt: Attempt, life: WorkerLifetime, how: str) -> Finding:
    settled, end = attempt.settled, life.end
    shown_by = (attempt.delivered, settled, end, view.job.complete)
    logs_ends = any(other.done for other in view.attempts)
    if logs_ends and not life.run.log_whole:
        return unknown(
            f"the log of {view.names.short(life.worker)} is not whole: it may have said that "
            f"{shown(attempt.item)} was done",
            *evidence_ids(*shown_by),
        )
    return failed(
        f"{shown(attempt.item)} is lost: settled for {view.names.short(life.worker)}, which {how}",
        *evidence_ids(*shown_by),
    )
