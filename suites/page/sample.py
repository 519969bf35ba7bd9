"""Reports about histories that lie in a folder, made as `queuejob check` makes them."""

from __future__ import annotations

from pathlib import Path

from harness.checks.plan import scenarios
from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED
from harness.history import Header, read
from harness.report.build import SessionFacts, build
from harness.report.model import (
    Case,
    Harness,
    Image,
    Implementation,
    OutcomeWord,
    Report,
    VerdictWord,
)
from harness.report.rows import PlannedRun, rows

_OUTCOMES: dict[VerdictWord, OutcomeWord] = {
    "pass": "passed",
    "fail": "failed",
    "unknown": "unproved",
}


def report(folder: Path) -> Report:
    """The report about every history below `folder`, each in a folder named as its scenario."""
    found = {path.parent.name: path for path in sorted(folder.rglob("history.ndjson"))}
    first = _header(next(iter(found.values())))
    known = scenarios(first.pattern)
    runs = [
        PlannedRun(
            name=known[name].name,
            says=known[name].says,
            proves=known[name].proves[first.pattern],
            history=str(path.relative_to(folder)),
        )
        for name, path in found.items()
        if name in known
    ]
    tests = [
        Case(
            id=f"{row.id}[{run.name}]",
            level="core",
            scenario=run.name,
            invariant=row.id,
            outcome=_OUTCOMES[row.verdict],
        )
        for run in runs
        for row in rows(run, folder).invariants
    ]
    facts = SessionFacts(
        report_id="sample",
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:05:00Z",
        exit_code=_code({test.outcome for test in tests}),
        pattern=first.pattern,
        implementation=Implementation(image=Image(ref=first.image)),
        harness=Harness(version="0"),
        command=f"queuejob check --pattern {first.pattern} --image {first.image}",
    )
    return build(facts, tests, runs, folder)


def _code(outcomes: set[str]) -> int:
    if "failed" in outcomes:
        return EXIT_VIOLATED
    return EXIT_OK if outcomes == {"passed"} else EXIT_NOT_PROVED


def _header(path: Path) -> Header:
    with path.open("rb") as file:
        return read(file, str(path))[0]
