"""Turn one history into rows of the report: its scenario, its invariants, its faults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checks.judge import Judgement, judge_view
from harness.checks.levels import Level
from harness.checks.model import RunModel, build_model
from harness.checks.narrative import render_events
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

_NO_REASON = "nothing was looked at"
_WORDS: Mapping[Outcome, VerdictWord] = {
    Outcome.PASS: "pass",
    Outcome.UNKNOWN: "unknown",
    Outcome.FAIL: "fail",
}


@dataclass(frozen=True)
class PlannedRun:
    """A scenario that was planned, and what its run saved."""

    #: The scenario's name, as in the names of tests.
    name: str
    says: str
    #: The invariants that the scenario is asked to prove.
    proves: Collection[str]
    #: The history, relative to the report's folder; empty when there is none.
    history: str = ""
    #: Why the run did not complete.
    error: str = ""
    #: The profile whose invariants judge the run.
    level: Level = "core"


@dataclass(frozen=True)
class Rows:
    """All rows from one history."""

    scenario: ScenarioRow
    invariants: tuple[InvariantRow, ...] = ()
    faults: tuple[Fault, ...] = ()


def rows(run: PlannedRun, folder: Path) -> Rows:
    """Judge the history. Raises `BrokenHistory` if it cannot be read."""
    if not run.history:
        return Rows(_scenario_row(run, None), tuple(_without_history(run)))
    path = folder / run.history
    with path.open("rb") as file:
        view = build_model(*read(file, str(path)))
    judgement = judge_view(view, run.level)
    shown_by = _read_events(path, _cited_ids(judgement))
    numbers = counts(view, judgement, shown_by)
    return Rows(
        _scenario_row(run, view.header),
        tuple(_invariant_rows(run, judgement, shown_by, numbers)),
        tuple(_fault_rows(run, view, shown_by.values())),
    )


def unreadable(run: PlannedRun, error: BrokenHistory) -> Rows:
    """Return the rows of a history that cannot be read to its end: only the error is known."""
    run = replace(run, error=run.error or str(error))
    return Rows(_scenario_row(run, None), tuple(_without_history(run)))


def _without_history(run: PlannedRun) -> Iterator[InvariantRow]:
    """Report the required invariants as unknown, with the reason why there is no history."""
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


def _scenario_row(run: PlannedRun, header: Header | None) -> ScenarioRow:
    bounds = figures = None
    if header is not None:
        limits = header.bounds
        bounds = Limits(reclaim=limits.reclaim, progress=limits.progress, end=limits.end)
        measured = header.figures
        figures = Measured(work=measured.work, lease=measured.lease, pod_start=measured.pod_start)
    return ScenarioRow(
        id=run.name,
        says=run.says,
        history=run.history,
        started="" if header is None else header.started.isoformat(),
        error=run.error,
        bounds=bounds,
        figures=figures,
    )


def _cited_ids(judgement: Judgement) -> set[int]:
    findings = (entry for verdict in judgement.verdicts.values() for entry in verdict.findings)
    return {entry for finding in findings for entry in finding.evidence}


def _read_events(path: Path, wanted: Collection[int]) -> dict[int, Event]:
    """Read the events with these ids and all faults, in a second pass over the file."""
    with path.open("rb") as file:
        _, events = read(file, str(path))
        return {
            event.id: event
            for event in events
            if event.id in wanted or isinstance(event.what, FaultInjected)
        }


def _invariant_rows(
    run: PlannedRun, judgement: Judgement, shown_by: Mapping[int, Event], numbers: Counts
) -> Iterator[InvariantRow]:
    """Yield a row for each required invariant, and for each other that may be broken."""
    for name in judgement.verdicts:
        outcome = judgement.outcome(name)
        suspicious = outcome is Outcome.FAIL or judgement.suspect(name)
        if name not in run.proves and not suspicious:
            continue
        blamed = judgement.attributed_to_image(name).findings
        worst = next((finding for finding in blamed if finding.outcome is outcome), None)
        finding_rows = [
            _finding_row(judgement, finding, shown_by) for finding in judgement[name].findings
        ]
        yield InvariantRow(
            id=name,
            scenario=run.name,
            required=name in run.proves,
            verdict=_WORDS[outcome],
            subject="worker" if worst is None else worst.subject.value,
            reason=_NO_REASON if worst is None else clean(worst.reason),
            seeded=numbers.seeded,
            completed=numbers.completed,
            lost=numbers.lost,
            duplicates=numbers.duplicates,
            reclaimed=numbers.reclaimed,
            max_reclaim_latency=numbers.max_reclaim_latency,
            story=() if worst is None else _story(judgement, worst, shown_by),
            findings=tuple(finding_rows),
        )


def _finding_row(judgement: Judgement, finding: Finding, shown_by: Mapping[int, Event]) -> Found:
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
    """Describe the events of a failed or unknown finding; a passed one needs no story."""
    if finding.outcome is Outcome.PASS:
        return ()
    events = [shown_by[entry] for entry in finding.evidence if entry in shown_by]
    return tuple(
        StoryLine(event=entry.event, at=round(entry.at, 3), text=entry.text)
        for entry in render_events(judgement.names, events)
    )


def _fault_rows(run: PlannedRun, view: RunModel, events: Iterable[Event]) -> Iterator[Fault]:
    injected = [entry for entry in events if isinstance(entry.what, FaultInjected)]
    for event in injected:
        data = event.what
        assert isinstance(data, FaultInjected)
        yield Fault(
            scenario=run.name,
            kind=data.fault,
            point=_held_point(view, data, event.time),
            target=clean(data.to),
            pod_uid="" if data.worker is None else data.worker.pod,
            at=round(event.time, 3),
            confirmed=data.fault in view.fault_log.confirmed,
        )
    for name in view.header.faults:
        if not any(
            entry.what.fault == name for entry in injected if isinstance(entry.what, FaultInjected)
        ):
            yield Fault(
                scenario=run.name,
                kind=name,
                point="",
                target="",
                pod_uid="",
                at=None,
                confirmed=False,
            )


def _held_point(view: RunModel, what: FaultInjected, moment: float) -> str:
    """Return the protocol point at which the target was held when the fault was injected."""
    holds = [
        hold
        for entry in view.connections.values()
        if entry.number == what.connection or (what.worker and entry.worker == what.worker)
        for hold in entry.holds
        if hold.point
        and hold.held.at <= moment
        and (hold.released is None or hold.released.at >= moment)
    ]
    return clean(max(holds, key=lambda entry: entry.held.at).point) if holds else ""
