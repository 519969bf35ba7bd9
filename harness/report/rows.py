"""What one history puts into the report: its scenario, its invariants, its faults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checks.judge import Judgement, judge_view
from harness.checks.levels import Level
from harness.checks.model import RunModel, build_model
from harness.checks.narrative import tell
from harness.checks.verdict import Finding, Outcome
from harness.core.text import brief, clean
from harness.history import BrokenHistory, Event, FaultInjected, Header, read
from harness.report.item_counts import Counts, counts
from harness.report.model import (
    Fault,
    Found,
    InvariantRow,
    Limits,
    Measured,
    ScenarioRow,
    StoryLine,
    VerdictWord,
)

_NOTHING = "nothing was looked at"
_WORDS: Mapping[Outcome, VerdictWord] = {
    Outcome.PASS: "pass",
    Outcome.UNKNOWN: "unknown",
    Outcome.FAIL: "fail",
}


@dataclass(frozen=True)
class PlannedRun:
    """A scenario that was to be played, and what is left of it."""

    #: As in tests' names.
    name: str
    says: str
    #: The invariants that it is to prove.
    proves: Collection[str]
    #: The history, relative to the report's folder; empty when there is none.
    history: str = ""
    #: Why it did not come to its end.
    error: str = ""
    #: The profile by whose invariants it is judged.
    level: Level = "core"


@dataclass(frozen=True)
class Rows:
    """All that one history gives."""

    scenario: ScenarioRow
    invariants: tuple[InvariantRow, ...] = ()
    faults: tuple[Fault, ...] = ()


def rows(run: PlannedRun, folder: Path) -> Rows:
    """Judge the history; raises `BrokenHistory` where it is none."""
    if not run.history:
        return Rows(_scenario(run, None), tuple(_without_history(run)))
    path = folder / run.history
    with path.open("rb") as file:
        view = build_model(*read(file, str(path)))
    judgement = judge_view(view, run.level)
    shown_by = _events(path, _wanted(judgement))
    numbers = counts(view, judgement, shown_by)
    return Rows(
        _scenario(run, view.header),
        tuple(_rows(run, judgement, shown_by, numbers)),
        tuple(_faults(run, view, shown_by.values())),
    )


def unreadable(run: PlannedRun, error: BrokenHistory) -> Rows:
    """The same of a history that cannot be read to its end: nothing but that is known of it."""
    run = replace(run, error=run.error or str(error))
    return Rows(_scenario(run, None), tuple(_without_history(run)))


def _without_history(run: PlannedRun) -> Iterator[InvariantRow]:
    """What it was to prove is unknown, for the reason for which there is no history."""
    for name in run.proves if run.error else ():
        reason = clean(brief(run.error))
        yield InvariantRow(
            id=name,
            scenario=run.name,
            required=True,
            verdict="unknown",
            subject="worker",
            reason=reason,
            seeded=0,
            completed=0,
            lost=None,
            duplicates=(),
            reclaimed=0,
            max_reclaim_latency=None,
            findings=(Found(verdict="unknown", subject="worker", reason=reason),),
        )


def _scenario(run: PlannedRun, header: Header | None) -> ScenarioRow:
    bounds = figures = None
    if header is not None:
        had = header.bounds
        bounds = Limits(reclaim=had.reclaim, progress=had.progress, end=had.end)
        known = header.figures
        figures = Measured(work=known.work, lease=known.lease, pod_start=known.pod_start)
    return ScenarioRow(
        id=run.name,
        says=run.says,
        history=run.history,
        started="" if header is None else header.started.isoformat(),
        error=run.error,
        bounds=bounds,
        figures=figures,
    )


def _wanted(judgement: Judgement) -> set[int]:
    findings = (one for verdict in judgement.verdicts.values() for one in verdict.findings)
    return {one for finding in findings for one in finding.evidence}


def _events(path: Path, wanted: Collection[int]) -> dict[int, Event]:
    """These events and all faults, read from the file once more."""
    with path.open("rb") as file:
        _, events = read(file, str(path))
        return {
            one.id: one for one in events if one.id in wanted or isinstance(one.what, FaultInjected)
        }


def _rows(
    run: PlannedRun, judgement: Judgement, shown_by: Mapping[int, Event], numbers: Counts
) -> Iterator[InvariantRow]:
    """One for each invariant that is to be proved, and for each other that may be broken."""
    for name in judgement.verdicts:
        outcome = judgement.outcome(name)
        told_anyway = outcome is Outcome.FAIL or judgement.suspect(name)
        if name not in run.proves and not told_anyway:
            continue
        blamed = judgement.attributed_to_image(name).findings
        worst = next((one for one in blamed if one.outcome is outcome), None)
        told = [_found(judgement, one, shown_by) for one in judgement[name].findings]
        yield InvariantRow(
            id=name,
            scenario=run.name,
            required=name in run.proves,
            verdict=_WORDS[outcome],
            subject="worker" if worst is None else worst.subject.value,
            reason=_NOTHING if worst is None else clean(worst.reason),
            seeded=numbers.seeded,
            completed=numbers.completed,
            lost=numbers.lost,
            duplicates=numbers.duplicates,
            reclaimed=numbers.reclaimed,
            max_reclaim_latency=numbers.max_reclaim_latency,
            story=() if worst is None else _story(judgement, worst, shown_by),
            findings=tuple(told),
        )


def _found(judgement: Judgement, finding: Finding, shown_by: Mapping[int, Event]) -> Found:
    return Found(
        verdict=_WORDS[finding.outcome],
        subject=finding.subject.value,
        reason=clean(finding.reason),
        events=finding.evidence,
        story=_story(judgement, finding, shown_by),
    )


def _story(
    judgement: Judgement, finding: Finding, shown_by: Mapping[int, Event]
) -> tuple[StoryLine, ...]:
    """What shows that it does not hold, or why nobody knows; that it holds needs no story."""
    if finding.outcome is Outcome.PASS:
        return ()
    events = [shown_by[one] for one in finding.evidence if one in shown_by]
    return tuple(
        StoryLine(event=one.event, at=round(one.at, 3), text=one.text)
        for one in tell(judgement.names, events)
    )


def _faults(run: PlannedRun, view: RunModel, events: Iterable[Event]) -> Iterator[Fault]:
    done = [one for one in events if isinstance(one.what, FaultInjected)]
    for event in done:
        what = event.what
        assert isinstance(what, FaultInjected)
        yield Fault(
            scenario=run.name,
            kind=what.fault,
            point=_point(view, what, event.time),
            target=clean(what.to),
            pod_uid="" if what.worker is None else what.worker.pod,
            at=round(event.time, 3),
            confirmed=what.fault in view.fault_log.confirmed,
        )
    for name in view.header.faults:
        if not any(one.what.fault == name for one in done if isinstance(one.what, FaultInjected)):
            yield Fault(
                scenario=run.name,
                kind=name,
                point="",
                target="",
                pod_uid="",
                at=None,
                confirmed=False,
            )


def _point(view: RunModel, what: FaultInjected, moment: float) -> str:
    """The protocol point at which the one to be harmed was held then."""
    held = [
        hold
        for one in view.connections.values()
        if one.number == what.connection or (what.worker and one.worker == what.worker)
        for hold in one.holds
        if hold.point
        and hold.held.at <= moment
        and (hold.released is None or hold.released.at >= moment)
    ]
    return clean(max(held, key=lambda one: one.held.at).point) if held else ""
