"""The sections of the page, one per scenario: findings, time line, events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checks.model import RunModel, build_model
from harness.core.errors import QueuejobError
from harness.history import Event, Worker, read
from harness.report.html.event_table import EventTable, event_table
from harness.report.html.layout import Cited, Drawing, draw
from harness.report.html.timeline import Timeline, timeline
from harness.report.model import (
    VERDICTS,
    Fault,
    Found,
    InvariantRow,
    Report,
    ScenarioRow,
    VerdictWord,
)


@dataclass(frozen=True)
class Step:
    """One line of a story; `number` is that of its badge in the time line."""

    number: int
    at: float
    text: str


@dataclass(frozen=True)
class FindingView:
    """One finding with its story."""

    found: Found
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class InvariantResult:
    """The findings of an invariant in a scenario; a passed one has no story."""

    row: InvariantRow
    told: tuple[FindingView, ...]


@dataclass(frozen=True)
class ScenarioSection:
    """A scenario. `problem` explains why there is no time line."""

    row: ScenarioRow
    place: int
    verdict: VerdictWord
    says: tuple[InvariantResult, ...]
    faults: tuple[Fault, ...]
    drawing: Drawing | None
    listing: EventTable | None
    problem: str

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(outcome.row.id for outcome in self.says)


def _severity(one: ScenarioSection | InvariantRow | Found) -> int:
    return VERDICTS.index(one.verdict)


def sections(report: Report, folder: Path) -> list[ScenarioSection]:
    """Build all sections, worst verdicts first; histories are read from `folder`."""
    built = [
        _section(report, row, position, folder) for position, row in enumerate(report.scenarios)
    ]
    return sorted(built, key=_severity, reverse=True)


def _section(report: Report, row: ScenarioRow, place: int, folder: Path) -> ScenarioSection:
    rows = [entry for entry in report.invariants if entry.scenario == row.id]
    rows.sort(key=_severity, reverse=True)
    faults = tuple(entry for entry in report.faults if entry.scenario == row.id)
    verdict: VerdictWord = rows[0].verdict if rows else "unknown"
    numbers = _numbers(rows)
    results = tuple(InvariantResult(entry, tuple(_finding_views(entry, numbers))) for entry in rows)
    drawing, listing, problem = None, None, "There is no history of this scenario."
    if row.history:
        try:
            drawing, listing = _draw_history(folder / row.history, rows, numbers)
            problem = ""
        except (QueuejobError, OSError) as error:
            problem = f"The history cannot be shown: {error}"
    return ScenarioSection(row, place, verdict, results, faults, drawing, listing, problem)


def _numbers(rows: Iterable[InvariantRow]) -> dict[int, int]:
    """Number the events that stories of the page cite, in the order of their moments."""
    lines = {
        line.event: line.at
        for row in rows
        for finding in row.findings
        if row.verdict != "pass" and finding.verdict != "pass"
        for line in finding.story
    }
    ordered = sorted(lines, key=lambda event: (lines[event], event))
    return {event: number for number, event in enumerate(ordered, start=1)}


def _finding_views(row: InvariantRow, numbers: dict[int, int]) -> Iterable[FindingView]:
    for finding in sorted(row.findings, key=_severity, reverse=True):
        steps = (
            Step(numbers[line.event], line.at, line.text)
            for line in finding.story
            if line.event in numbers
        )
        yield FindingView(finding, tuple(steps))


def _draw_history(
    path: Path, rows: Sequence[InvariantRow], numbers: dict[int, int]
) -> tuple[Drawing, EventTable]:
    with path.open("rb") as file:
        header, lines = read(file, path.name)
        events = list(lines)
    view = build_model(header, events)
    line = timeline(view, events)
    texts = {
        entry.event: entry.text
        for row in rows
        for finding in row.findings
        for entry in finding.story
    }
    cited = [
        Cited(
            numbers[entry.id], entry.id, _moment(entry), texts[entry.id], _row_of(view, line, entry)
        )
        for entry in events
        if entry.id in numbers
    ]
    cited_ids = {entry for row in rows for finding in row.findings for entry in finding.events}
    return draw(line, cited), event_table(view.names, events, cited_ids)


def _moment(event: Event) -> float:
    at: float | None = getattr(event.what, "at", None)
    return event.time if at is None else at


def _row_of(view: RunModel, line: Timeline, event: Event) -> int | None:
    """Return the row of the worker that an event is about."""
    worker: Worker | None = getattr(event.what, "worker", None)
    if worker is None:
        worker = view.names.at(getattr(event.what, "connection", None))
    return None if worker is None else line.places.get(worker)
