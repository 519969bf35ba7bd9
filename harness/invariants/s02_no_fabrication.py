"""S2: a worker works on what was sent, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from harness.invariants import Invariant, ids
from harness.verdict import Finding, failed, passed, unknown
from harness.view import View, several, shown, starts_matched


def check(view: View) -> Iterator[Finding]:
    matched = view.header.figures.starts_matched
    if matched is None and not view.header.faults:
        matched = starts_matched(view)  # this is the fault-free run, or may pass for it
    if matched is None:
        yield unknown("the worker does not say what it begins")
        return
    # What the owner's pattern finds is testimony, where it finds what was sent as well.
    testimony = [line for line in view.strays if not line.guess]
    if not matched and not (testimony and any(one.started for one in view.attempts)):
        yield unknown(
            "without any fault, the worker's lines did not fit what it was given: "
            "they may be about something else",
            *ids(*(line.mark for line in view.strays[:1])),
        )
        return
    for line in view.strays if matched else testimony:
        said = "has finished" if line.done else "begins"
        yield failed(
            f"{view.cast.short(line.worker)} says that it {said} {shown(line.item)}, "
            "which nobody has sent",
            line.mark.id,
        )
    for line in view.doubtful:
        yield unknown(
            f"{view.cast.short(line.worker)} may speak of {shown(line.item)}, which nobody sent; "
            "--start-pattern and --done-pattern tell for sure what its lines are about",
            line.mark.id,
            suspect=True,
        )
    lines = [mark for one in view.attempts for mark in (one.started, one.done) if mark is not None]
    if lines:
        yield passed(f"{several(len(lines), 'line')}, all about what was sent", lines[0].id)
    elif not (view.strays or view.doubtful):
        yield unknown("no worker has said anything in this run")


INVARIANT = Invariant("S2", "no fabrication", ("coarse", "fine"), check, from_events=True)
