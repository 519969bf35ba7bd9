"""The detection matrix: which worker was found to break which invariant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from harness.engine.campaign import JudgedRun
from harness.suites.verdicts.cases import Case

#: Name of the property of a report that has a `Row`.
ROW = "queuejob_matrix_row"
#: What a run says about an invariant, the first that fits: it had to be found and was; it could
#: follow and was found; it had to be found and was not; it was found and nobody foresaw it;
#: nothing may stay unknown (of a correct worker), and this did; the Job's manifest breaks it;
#: it was proved.
State = Literal["found", "follows", "missed", "strange", "unproved", "job", "held"]
#: How each is shown in a table.
SIGNS: Mapping[State, str] = {
    "found": "●",
    "follows": "○",
    "missed": "✗ MISSED",
    "strange": "✗ STRANGE",
    "unproved": "✗ UNPROVED",
    "job": "J",
    "held": "·",
}


class Row(msgspec.Struct, frozen=True):
    """One run: what was found broken by the worker and by the Job, proved, and left open."""

    worker: str
    scenario: str
    found: list[str]
    job: list[str]
    proved: list[str]
    #: Of what the scenario is to prove.
    unproved: list[str]


class Line(msgspec.Struct, frozen=True):
    """One worker in all of its scenarios; `cells` by invariant, where there is anything to say."""

    worker: str
    correct: bool
    must: list[str]
    may: list[str]
    scenarios: list[str]
    cells: dict[str, State]

    @property
    def right(self) -> bool:
        """Whether all that had to be found was found, and nothing else."""
        return not {"missed", "strange", "unproved"} & set(self.cells.values())


class Matrix(msgspec.Struct, frozen=True):
    """All workers of a run. `seconds` is how long that took, `at_once` in how many processes."""

    command: str
    version: str
    seconds: int
    at_once: int
    invariants: list[str]
    lines: list[Line]


def row(case: Case, scenario: str, run: JudgedRun) -> Row:
    """What a run has shown."""
    judgement = run.judgement
    return Row(
        case.recipe,
        scenario,
        sorted(run.violated()),
        sorted(run.of_the_job()),
        [name for name in judgement.verdicts if judgement.proved(name)],
        [name for name in case.proves(scenario) if not judgement.proved(name)],
    )


def lines(cases: Iterable[Case], rows: Sequence[Row]) -> list[Line]:
    """One line for each worker that has been run."""
    made = []
    for case in cases:
        own = [one for one in rows if one.worker == case.recipe]
        if own:
            made.append(
                Line(
                    case.recipe,
                    case.correct,
                    sorted(case.must),
                    sorted(case.may),
                    [one.scenario for one in own],
                    _cells(case, own),
                )
            )
    return made


def _cells(case: Case, rows: Sequence[Row]) -> dict[str, State]:
    def any_of(field: Literal["found", "job", "proved", "unproved"]) -> set[str]:
        return {name for one in rows for name in getattr(one, field)}

    found = any_of("found")
    # From the least that can be said of an invariant to the most.
    cells: dict[str, State] = dict.fromkeys(any_of("proved"), "held")
    cells |= dict.fromkeys(any_of("job"), "job")
    if case.correct:
        cells |= dict.fromkeys(any_of("unproved"), "unproved")
    cells |= dict.fromkeys(case.must - found, "missed")
    cells |= dict.fromkeys(found, "strange")
    cells |= dict.fromkeys(found & case.may, "follows")
    cells |= dict.fromkeys(found & case.must, "found")
    return cells


def markdown(matrix: Matrix) -> str:
    """The table, with what it means."""
    caught = [line for line in matrix.lines if line.must and line.right]
    faulty = [line for line in matrix.lines if line.must]
    correct = [line for line in matrix.lines if line.correct]
    clean = [line for line in correct if line.right]
    runs = sum(len(line.scenarios) for line in matrix.lines)
    head = [
        "# Which defect is caught by which invariant",
        "",
        f"Made by `{matrix.command}` (version {matrix.version}): {runs} runs on a real cluster in "
        f"{matrix.seconds / 60:.0f} minutes, {matrix.at_once} at once.",
        "",
        f"**{len(caught)} of {len(faulty)} defects caught and rightly named; "
        f"{len(clean)} of {len(correct)} correct workers clean.**",
        "",
        "![the matrix](matrix.svg)",
        "",
        "● had to be found, and was · ○ found, and follows from the defect · "
        "J broken by the Job's manifest · · proved to hold · ✗ an error of this project",
        "",
        f"| worker | {' | '.join(matrix.invariants)} |",
        f"|---|{'---|' * len(matrix.invariants)}",
    ]
    for line in matrix.lines:
        cells = [line.cells.get(name) for name in matrix.invariants]
        signs = " | ".join(SIGNS[cell] if cell else " " for cell in cells)
        head.append(f"| {line.worker} | {signs} |")
    return "\n".join(head) + "\n"
