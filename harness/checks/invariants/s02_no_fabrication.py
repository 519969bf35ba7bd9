"""S2: a worker works on items that were sent, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import USUAL, Attempt, RunModel, WorkerStatement, starts_matched
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.log_phrases import plain
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    matched = view.header.figures.starts_matched
    if matched is None and not view.header.faults:
        matched = starts_matched(view)  # this is the fault-free run, or is as good as one
    if matched is None and view.habits.ends in USUAL:
        matched = not view.unknown_items  # its end lines are as good as start lines
    if matched is None:
        yield unknown("the worker does not say what it begins")
        return
    findings = list(_work_on_other_items(view))
    if findings:
        yield from findings
        return
    # A match of the owner's pattern is evidence, provided that the pattern also finds sent items.
    evident = [line for line in view.unknown_items if not line.guess]
    if not matched and not (evident and any(attempt.started for attempt in view.attempts)):
        yield unknown(
            "without any fault, the worker's lines did not fit what it was given: "
            "they may be about something else",
            *evidence_ids(*(line.ref for line in view.unknown_items[:1])),
        )
        return
    for line in view.unknown_items if matched else evident:
        action = "has finished" if line.done else "begins"
        yield failed(
            f"{view.names.short(line.worker)} says that it {action} {shown(line.item)}, "
            "which nobody has sent",
            line.ref.id,
        )
    for line in view.doubtful:
        yield unknown(
            f"{view.names.short(line.worker)} may speak of {shown(line.item)}, which nobody sent; "
            "--start-pattern and --done-pattern tell for sure what its lines are about",
            line.ref.id,
            suspect=True,
        )
    events = [
        event
        for attempt in view.attempts
        for event in (attempt.started, attempt.done)
        if event is not None
    ]
    if events:
        yield passed(f"{several(len(events), 'line')}, all about what was sent", events[0].id)
    elif not (view.unknown_items or view.doubtful):
        yield unknown("no worker has said anything in this run")


def _work_on_other_items(view: RunModel) -> Iterator[Finding]:
    """Yield a failure for each worker that worked on another item than it was given.

    Requires that workers log the items they begin. The worker logs the other item between the
    delivery and its own report, and never logs the item that it was given.
    """
    if not any(other.started for other in view.attempts):
        return
    foreign = [line for line in view.unknown_items if line.guess]
    for line in (*view.unmatched, *foreign):
        attempt = None if line.done else _unmentioned_attempt(view, line)
        if attempt is not None:
            yield failed(
                f"{view.names.short(line.worker)} was given {shown(attempt.item)}, says that it "
                f"begins {shown(line.item)}, which it was not given, and never says a word of its "
                "own",
                *evidence_ids(attempt.delivered, line.ref, attempt.settled),
            )


def _unmentioned_attempt(view: RunModel, line: WorkerStatement) -> Attempt | None:
    """Return the attempt that the worker held at the time of the line, if no line names it.

    Returns None unless the worker held exactly one attempt at that time and settled it.
    """
    life = view.life(line.worker)
    if life is None or not life.run.log_whole:
        return None
    held = [
        attempt
        for attempt in life.attempts
        if attempt.settled is not None
        and attempt.delivered.at <= line.ref.at <= attempt.settled.effect
    ]
    if len(held) != 1 or not plain(held[0].item):
        return None
    mentioned = any(
        attempt.started or attempt.done for attempt in life.attempts if attempt.item == held[0].item
    )
    return None if mentioned else held[0]


INVARIANT = Invariant(
    "S2", "no fabrication", ("coarse", "fine"), check, valid_in_partial_history=True
)
