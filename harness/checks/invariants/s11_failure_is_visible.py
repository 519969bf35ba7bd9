"""S11: work that failed shows: as an exit code, or as an item in a dead-letter place."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant, failed_by_exit
from harness.checks.model import Attempt, Item, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.model.log_habits import USUAL
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history import Worker
from harness.history.preview import shown

#: Above every limit known for the attempts of one process (Sidekiq and Faktory: 25).
_ENDLESS = 30
#: The same, in multiples of --max-attempts.
_BEYOND = 4


def check(view: RunModel) -> Iterator[Finding]:
    failing = view.header.failing_item
    harmed = {harm.worker for harm in view.fault_log.injected if harm.worker is not None}
    found, open_ = False, None
    for item in view.sent:
        for attempt in item.attempts:
            life = view.life(attempt.worker)
            if item.payload != failing:
                finding = _broken_off(view, item, attempt, life, harmed)
            elif (life is None or life.end is None) and attempt.settled is None:
                open_ = attempt  # it may be tried again and again, for longer than the run
                continue
            else:
                finding = _on_failing(view, item, attempt, life, harmed)
            if finding is not None:
                found = True
                yield finding
    if open_ is not None and not found:
        found = True
        yield _endless(view, open_) or unknown(
            "nobody saw how the work on the failing item ended", open_.delivered.id
        )
    if not found:
        yield unknown("no work failed in this run")


def _endless(view: RunModel, last: Attempt) -> Finding | None:
    """One worker that takes the item again and again, gives it back, and shows nothing of that."""
    life = view.life(last.worker)
    tries = [one for one in life.attempts if one.item == last.item] if life else []
    limit = max(_ENDLESS, _BEYOND * view.header.max_attempts)
    if len(tries) < limit or any(one.done for one in tries):
        return None
    lasted = tries[-1].delivered.at - tries[0].delivered.at
    return failed(
        f"{view.names.short(last.worker)} has tried {shown(last.item)} {len(tries)} times in "
        f"{lasted:.0f} s, gives it back each time, and neither sets it aside nor fails "
        "(a limit that is meant to be as high: --max-attempts)",
        *evidence_ids(tries[0].delivered, tries[-1].delivered),
    )


def _on_failing(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime | None, harmed: set[Worker]
) -> Finding | None:
    """The item is meant to make the work fail: what came of this attempt?"""
    end = life.end if life else None
    evidence = evidence_ids(attempt.delivered, attempt.ended, end)
    if item.dead:
        return passed(f"{shown(item.payload)} was set aside where somebody can find it", *evidence)
    if life is None:
        return unknown(f"nobody knows who worked on {shown(item.payload)}", *evidence)
    settled = attempt.settled
    if settled and any(one.id > settled.ref.id for one in item.enqueued):
        settled = None  # it is there once more: its worker, or the broker for it, has sent it
    if attempt.done or (settled and settled.how in ("acked", "refused")):
        return _gone(view, attempt, life)
    if life.worker in harmed or end is None or end.exit_code is None:
        return None
    if view.coarse and life.success and life.settled and attempt.started is None:
        return None  # it has done its one message; this one was only kept in stock
    return _shown(view, attempt, life, end)


def _gone(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    """The broker has forgotten it."""
    rejected = attempt.settled is not None and attempt.settled.how == "refused"
    return (_rejected if rejected else _digested)(view, attempt, life)


def _rejected(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    """The broker has thrown it away: an exit code does not bring it back."""
    who, item = view.names.short(life.worker), attempt.item
    evidence = evidence_ids(attempt.delivered, attempt.ended, life.end)
    if doubt := view.copy_of(attempt):
        return unknown(f"{who} rejected {shown(item)} for good. {doubt[0]}", *evidence, doubt[1].id)
    text = f"{who} rejected {shown(item)} for good"
    if not view.depths and life.end and life.success:
        return _shown(view, attempt, life, life.end)
    if not view.depths:
        return unknown(f"{text}, and nobody looked where it is", *evidence)
    if view.header.dead_letters:
        return unknown(
            f"{text}, and no queue that a worker declared had it at the end: let the worker "
            "declare the queue that its dead letters come to",
            *evidence,
        )
    return failed(
        f"{text}, its queue has no dead-letter exchange, and no queue had a copy of it", *evidence
    )


def _digested(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    who, item = view.names.short(life.worker), attempt.item
    evidence = evidence_ids(attempt.delivered, attempt.ended, life.end)
    if doubt := view.copy_of(attempt):
        return unknown(f"{who} settled {shown(item)}. {doubt[0]}", *evidence, doubt[1].id)
    if life.end and not life.success and not life.end.killed:
        return _dropped(view, attempt, life)
    if life.end is None and not _goes_on(attempt, life):
        return unknown(f"nobody saw what {who} did after it had settled {shown(item)}", *evidence)
    settled = attempt.settled
    wordless = attempt.started is None and view.habits.starts in USUAL
    if wordless and settled and settled.ref.id in view.flaws:
        return unknown(  # no work has failed here: there was none, and that is S1's to say
            f"{who} acknowledged {shown(item)} without a word of any work on it", *evidence
        )
    if view.header.failing_known:
        return failed(f"the work on {shown(item)} fails, and {who} has acknowledged it", *evidence)
    return unknown(
        f"{who} has digested {shown(item)}, on which many workers choke: "
        "no work failed in this run",
        *evidence,
    )


def _dropped(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    """The worker settled the item and then failed: nobody will try it again, or find it."""
    who, item = view.names.short(life.worker), attempt.item
    evidence = evidence_ids(attempt.delivered, attempt.ended, life.end)
    text = f"{who} settled {shown(item)} and then exited with a failure"
    if attempt.settled is None:
        return passed(f"{text}, and the broker has it still", *evidence)
    if not view.header.failing_known:
        return unknown(
            f"{text}: whether the work on it had failed, --failing-item would show", *evidence
        )
    if not view.depths:
        return unknown(f"{text}, and nobody looked whether it was set aside", *evidence)
    return failed(f"{text}, and no copy of it was set aside: nobody will try it again", *evidence)


def _goes_on(attempt: Attempt, life: WorkerLifetime) -> bool:
    """Whether the worker has wanted, or has been given, more after this."""
    over = (attempt.ended or attempt.delivered).at
    return life.requests.after(over) is not None or any(
        one.delivered.at > over for one in life.attempts
    )


def _broken_off(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime | None, harmed: set[Worker]
) -> Finding | None:
    """Did the worker end with this item in its hands, of its own accord?"""
    if life is None or life.end is None or life.worker in harmed:
        return None
    if attempt.settled or attempt.done or attempt.void or item.dead:
        return None  # it says that it has done it, or somebody can find it
    if life.end.by_signal or not _held_to_the_end(view, attempt, life, life.end):
        return None
    return _shown(view, attempt, life, life.end)


def _held_to_the_end(
    view: RunModel, attempt: Attempt, life: WorkerLifetime, end: WorkerExit
) -> bool:
    """Was this what the worker was at when it ended?"""
    if view.coarse and life.success:
        # One message is what it is there for: success without any is success with a failure,
        # however the message went back. With one settled, the others were only kept in stock.
        return not life.settled
    until_then = attempt.ended is None or attempt.ended.at >= end.latest
    if life.success:
        return until_then
    return attempt is life.attempts[-1] and (until_then or attempt.how in ("lost", "returned"))


def _shown(view: RunModel, attempt: Attempt, life: WorkerLifetime, end: WorkerExit) -> Finding:
    """The worker has not settled the item, and has ended: did it end with a failure?"""
    who, item = view.names.short(life.worker), attempt.item
    evidence = evidence_ids(attempt.delivered, attempt.ended, end.ref)
    if life.success:
        text = f"{who} had {shown(item)}, did not get it done, and exited with 0"
        return failed_by_exit(view, text, *evidence)
    return passed(f"{who} failed with {shown(item)} and exited with {end.exit_code}", *evidence)


INVARIANT = Invariant("S11", "failure is visible", ("coarse", "fine"), check)
