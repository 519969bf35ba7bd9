"""S11: failed work is visible as an exit code, or as an item in a dead-letter location."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant, failed_by_exit
from harness.checks.model import Attempt, Item, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.model.log_habits import USUAL
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history import Worker
from harness.history.preview import shown

#: More attempts of one process than any known limit (Sidekiq and Faktory: 25).
_ENDLESS_ATTEMPTS = 30
#: The same as a multiple of --max-attempts.
_ENDLESS_FACTOR = 4


def check(view: RunModel) -> Iterator[Finding]:
    failing = view.header.failing_item
    harmed = {fault.worker for fault in view.fault_log.injected if fault.worker is not None}
    reported, unfinished = False, None
    for item in view.sent:
        for attempt in item.attempts:
            life = view.life(attempt.worker)
            if item.payload != failing:
                finding = _abandoned(view, item, attempt, life, harmed)
            elif (life is None or life.end is None) and attempt.settled is None:
                unfinished = attempt  # the worker may retry it for longer than the run lasts
                continue
            else:
                finding = _on_failing(view, item, attempt, life, harmed)
            if finding is not None:
                reported = True
                yield finding
    if unfinished is not None and not reported:
        reported = True
        yield _endless(view, unfinished) or unknown(
            "nobody saw how the work on the failing item ended", unfinished.delivered.id
        )
    if not reported:
        yield unknown("no work failed in this run")


def _endless(view: RunModel, last: Attempt) -> Finding | None:
    """Report a worker that retries the item again and again without a visible failure."""
    life = view.life(last.worker)
    tries = [attempt for attempt in life.attempts if attempt.item == last.item] if life else []
    limit = max(_ENDLESS_ATTEMPTS, _ENDLESS_FACTOR * view.header.max_attempts)
    if len(tries) < limit or any(attempt.done for attempt in tries):
        return None
    seconds = tries[-1].delivered.at - tries[0].delivered.at
    return failed(
        f"{view.names.short(last.worker)} has tried {shown(last.item)} {len(tries)} times in "
        f"{seconds:.0f} s, gives it back each time, and neither sets it aside nor fails "
        "(a limit that is meant to be as high: --max-attempts)",
        *evidence_ids(tries[0].delivered, tries[-1].delivered),
    )


def _on_failing(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime | None, harmed: set[Worker]
) -> Finding | None:
    """Judge an attempt on the item that is meant to make the work fail."""
    end = life.end if life else None
    evidence = evidence_ids(attempt.delivered, attempt.ended, end)
    if item.dead:
        return passed(f"{shown(item.payload)} was set aside where somebody can find it", *evidence)
    if life is None:
        return unknown(f"nobody knows who worked on {shown(item.payload)}", *evidence)
    settled = attempt.settled
    if settled and any(event.id > settled.ref.id for event in item.enqueued):
        settled = None  # its worker, or the broker for it, sent it again
    if attempt.done or (settled and settled.how in ("acked", "refused")):
        return _gone(view, attempt, life)
    if life.worker in harmed or end is None or end.exit_code is None:
        return None
    if view.coarse and life.success and life.settled and attempt.started is None:
        return None  # it completed its one message; this one was only prefetched
    return _judged_by_exit(view, attempt, life, end)


def _gone(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    """Judge an attempt whose item the broker no longer has."""
    rejected = attempt.settled is not None and attempt.settled.how == "refused"
    return (_rejected if rejected else _acknowledged)(view, attempt, life)


def _rejected(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    """Judge a rejection: the broker discarded the item, and an exit code does not restore it."""
    who, item = view.names.short(life.worker), attempt.item
    evidence = evidence_ids(attempt.delivered, attempt.ended, life.end)
    if doubt := view.copy_of(attempt):
        return unknown(f"{who} rejected {shown(item)} for good. {doubt[0]}", *evidence, doubt[1].id)
    text = f"{who} rejected {shown(item)} for good"
    if not view.depths and life.end and life.success:
        return _judged_by_exit(view, attempt, life, life.end)
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


def _acknowledged(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    who, item = view.names.short(life.worker), attempt.item
    evidence = evidence_ids(attempt.delivered, attempt.ended, life.end)
    if doubt := view.copy_of(attempt):
        return unknown(f"{who} settled {shown(item)}. {doubt[0]}", *evidence, doubt[1].id)
    if life.end and not life.success and not life.end.killed:
        return _settled_then_failed(view, attempt, life)
    if life.end is None and not _continued(attempt, life):
        return unknown(f"nobody saw what {who} did after it had settled {shown(item)}", *evidence)
    settled = attempt.settled
    unlogged = attempt.started is None and view.habits.starts in USUAL
    if unlogged and settled and settled.ref.id in view.missing_evidence:
        return unknown(  # there was no work that could fail; S1 reports that
            f"{who} acknowledged {shown(item)} without a word of any work on it", *evidence
        )
    if view.header.failing_known:
        return failed(f"the work on {shown(item)} fails, and {who} has acknowledged it", *evidence)
    return unknown(
        f"{who} has digested {shown(item)}, on which many workers choke: "
        "no work failed in this run",
        *evidence,
    )


def _settled_then_failed(view: RunModel, attempt: Attempt, life: WorkerLifetime) -> Finding:
    """Judge a worker that settled the item and then failed: the item is not retried or found."""
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


def _continued(attempt: Attempt, life: WorkerLifetime) -> bool:
    """Return whether the worker requested or received another item after this attempt."""
    end = (attempt.ended or attempt.delivered).at
    return life.requests.after(end) is not None or any(
        other.delivered.at > end for other in life.attempts
    )


def _abandoned(
    view: RunModel, item: Item, attempt: Attempt, life: WorkerLifetime | None, harmed: set[Worker]
) -> Finding | None:
    """Judge whether the worker exited without an outside cause while it held this item."""
    if life is None or life.end is None or life.worker in harmed:
        return None
    if attempt.settled or attempt.done or attempt.void or item.dead:
        return None  # the worker logged it as done, or it can be found
    if life.end.by_signal or not _held_to_the_end(view, attempt, life, life.end):
        return None
    return _judged_by_exit(view, attempt, life, life.end)


def _held_to_the_end(
    view: RunModel, attempt: Attempt, life: WorkerLifetime, end: WorkerExit
) -> bool:
    """Return whether the worker was working on this attempt when it ended."""
    if view.coarse and life.success:
        # A coarse worker exists for one message: exit 0 with none settled hides a failure, however
        # the message went back. If it settled one, the others were only prefetched.
        return not life.settled
    still_held = attempt.ended is None or attempt.ended.at >= end.latest
    if life.success:
        return still_held
    return attempt is life.attempts[-1] and (still_held or attempt.how in ("lost", "returned"))


def _judged_by_exit(
    view: RunModel, attempt: Attempt, life: WorkerLifetime, end: WorkerExit
) -> Finding:
    """Judge a worker that ended without settling the item by its exit code."""
    who, item = view.names.short(life.worker), attempt.item
    evidence = evidence_ids(attempt.delivered, attempt.ended, end.ref)
    if life.success:
        text = f"{who} had {shown(item)}, did not get it done, and exited with 0"
        return failed_by_exit(view, text, *evidence)
    return passed(f"{who} failed with {shown(item)} and exited with {end.exit_code}", *evidence)


INVARIANT = Invariant("S11", "failure is visible", ("coarse", "fine"), check)
