"""S2: a worker works on what was sent, and on nothing else."""

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
        matched = starts_matched(view)  # this is the fault-free run, or may pass for it
    if matched is None and view.habits.ends in USUAL:
        matched = not view.unknown_items  # what it says at the end is as good
    if matched is None:
        yield unknown("the worker does not say what it begins")
        return
    instead = list(_instead(view))
    if instead:
        yield from instead
        return
    # What the owner's pattern finds is testimony, where it finds what was sent as well.
    testimony = [line for line in view.unknown_items if not line.guess]
    if not matched and not (testimony and any(one.started for one in view.attempts)):
        yield unknown(
            "without any fault, the worker's lines did not fit what it was given: "
            "they may be about something else",
            *evidence_ids(*(line.ref for line in view.unknown_items[:1])),
        )
        return
    for line in view.unknown_items if matched else testimony:
        said = "has finished" if line.done else "begins"
        yield failed(
            f"{view.names.short(line.worker)} says that it {said} {shown(line.item)}, "
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
    lines = [mark for one in view.attempts for mark in (one.started, one.done) if mark is not None]
    if lines:
        yield passed(f"{several(len(lines), 'line')}, all about what was sent", lines[0].id)
    elif not (view.unknown_items or view.doubtful):
        yield unknown("no worker has said anything in this run")


def _instead(view: RunModel) -> Iterator[Finding]:
    """Work on something else than what a worker was given, where others say what they begin.

    It says so between the delivery and its report, and never says a word of what it was given.
    """
    if not any(one.started for one in view.attempts):
        return
    foreign = [line for line in view.unknown_items if line.guess]
    for line in (*view.unmatched, *foreign):
        attempt = None if line.done else _silent(view, line)
        if attempt is not None:
            yield failed(
                f"{view.names.short(line.worker)} was given {shown(attempt.item)}, says that it "
                f"begins {shown(line.item)}, which it was not given, and never says a word of its "
                "own",
                *evidence_ids(attempt.delivered, line.ref, attempt.settled),
            )


def _silent(view: RunModel, line: WorkerStatement) -> Attempt | None:
    """What the worker had when it wrote the line, if it has reported it and never spoke of it."""
    life = view.life(line.worker)
    if life is None or not life.run.log_whole:
        return None
    had = [
        one
        for one in life.attempts
        if one.settled is not None and one.delivered.at <= line.ref.at <= one.settled.effect
    ]
    if len(had) != 1 or not plain(had[0].item):
        return None
    said = any(one.started or one.done for one in life.attempts if one.item == had[0].item)
    return None if said else had[0]


INVARIANT = Invariant(
    "S2", "no fabrication", ("coarse", "fine"), check, valid_in_partial_history=True
)
