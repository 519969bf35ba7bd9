"""What the page shows of each scenario: its findings, its time line, its events."""

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
    """What an invariant says about a scenario; what needs no story stands without."""

    row: InvariantRow
    told: tuple[FindingView, ...]


@dataclass(frozen=True)
class ScenarioSection:
    """A scenario. `problem` says why there is no time line."""

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
        return tuple(one.row.id for one in self.says)


def _badness(one: ScenarioSection | InvariantRow | Found) -> int:
    return VERDICTS.index(one.verdict)


def sections(report: Report, folder: Path) -> list[ScenarioSection]:
    """All scenarios, those with the worst verdicts first; histories are read from `folder`."""
    found = [_scene(report, row, place, folder) for place, row in enumerate(report.scenarios)]
    return sorted(found, key=_badness, reverse=True)


def _scene(report: Report, row: ScenarioRow, place: int, folder: Path) -> ScenarioSection:
    rows = [one for one in report.invariants if one.scenario == row.id]
    rows.sort(key=_badness, reverse=True)
    faults = tuple(one for one in report.faults if one.scenario == row.id)
    verdict: VerdictWord = rows[0].verdict if rows else "unknown"
    numbers = _numbers(rows)
    says = tuple(InvariantResult(one, tuple(_told(one, numbers))) for one in rows)
    drawing, listed, problem = None, None, "There is no history of this scenario."
    if row.history:
        try:
            drawing, listed = _look(folder / row.history, rows, numbers)
            problem = ""
        except (QueuejobError, OSError) as error:
            problem = f"The history cannot be shown: {error}"
    return ScenarioSection(row, place, verdict, says, faults, drawing, listed, problem)


def _numbers(rows: Iterable[InvariantRow]) -> dict[int, int]:
    """A number for each event that a story on the page tells, in the order of their moments."""
    lines = {
        line.event: line.at
        for row in rows
        for one in row.findings
        if row.verdict != "pass" and one.verdict != "pass"
        for line in one.story
    }
    ordered = sorted(lines, key=lambda event: (lines[event], event))
    return {event: number for number, event in enumerate(ordered, start=1)}


def _told(row: InvariantRow, numbers: dict[int, int]) -> Iterable[FindingView]:
    for one in sorted(row.findings, key=_badness, reverse=True):
        steps = (
            Step(numbers[line.event], line.at, line.text)
            for line in one.story
            if line.event in numbers
        )
        yield FindingView(one, tuple(steps))


def _look(
    path: Path, rows: Sequence[InvariantRow], numbers: dict[int, int]
) -> tuple[Drawing, EventTable]:
    with path.open("rb") as file:
        header, lines = read(file, path.name)
        events = list(lines)
    view = build_model(header, events)
    line = timeline(view, events)
    texts = {one.event: one.text for row in rows for found in row.findings for one in found.story}
    cited = [
        Cited(numbers[one.id], one.id, _moment(one), texts[one.id], _place(view, line, one))
        for one in events
        if one.id in numbers
    ]
    wanted = {one for row in rows for found in row.findings for one in found.events}
    return draw(line, cited), event_table(view.names, events, wanted)


def _moment(event: Event) -> float:
    at: float | None = getattr(event.what, "at", None)
    return event.time if at is None else at


def _place(view: RunModel, line: Timeline, event: Event) -> int | None:
    """The row of the worker that an event is about."""
    worker: Worker | None = getattr(event.what, "worker", None)
    if worker is None:
        worker = view.names.at(getattr(event.what, "connection", None))
    return None if worker is None else line.places.get(worker)
