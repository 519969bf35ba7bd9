"""Judge the histories next to a report again, and list every disagreement with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from harness import __version__
from harness.checks.levels import Level
from harness.checks.plan import Ask, Asked
from harness.core import masking
from harness.history import BrokenHistory
from harness.report.build import PROFILES, profile, worst
from harness.report.canonical import canonical, digest, required_digest
from harness.report.headline import headline
from harness.report.mask import mask_record
from harness.report.model import Case, Fault, InvariantRow, Report, Result, ScenarioRow, VerdictWord
from harness.report.outcome import result
from harness.report.rows import PlannedRun, Rows, rows, unreadable


def verify(report: Report, folder: Path, ask: Ask) -> list[str]:
    """List every disagreement, one line each; empty if the report is correct.

    Args:
        report: The report to verify.
        folder: The folder with the artifacts, at the paths that the report gives.
        ask: Returns the tests and invariants that a profile requires.
    """
    pattern, level = _profile_of(report)
    asked = ask(pattern, level)
    rows_now = [_rows_now(report, scenario, folder, asked, level) for scenario in report.scenarios]
    lines = [
        *_check_digests(report, folder),
        *_check_tests(report, asked),
        *_check_rows(report, rows_now),
        *_check_conclusions(report),
    ]
    if lines and report.harness.version != __version__:
        lines.append(
            f"it was made with version {report.harness.version}, and this is {__version__}: "
            "verify it with that one"
        )
    return lines


def inside(folder: Path, path: str) -> Path | None:
    """Return the file of this path, or None if it is outside the folder or missing."""
    file = (folder / path).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None


def _profile_of(report: Report) -> tuple[str, Level]:
    name = report.profiles[0].name if report.profiles else ""
    pattern = next((entry for entry, known in PROFILES.items() if known == name), name.lower())
    extended = any(entry.level == "extended" for entry in report.tests)
    return pattern, "extended" if extended else "core"


def _rows_now(report: Report, row: ScenarioRow, folder: Path, asked: Asked, level: Level) -> Rows:
    """Judge the history again. A missing history counts as one that was never written."""
    required = [
        entry.id for entry in report.invariants if entry.scenario == row.id and entry.required
    ]
    run = PlannedRun(
        name=row.id,
        says=row.says,
        proves=asked.proves.get(row.id, required),
        history=row.history if row.history and inside(folder, row.history) else "",
        error=row.error,
        level=level,
    )
    try:
        fresh = rows(run, folder)
    except BrokenHistory as error:
        fresh = unreadable(run, error)
    return Rows(
        mask_record(fresh.scenario),
        tuple(mask_record(entry) for entry in fresh.invariants),
        tuple(mask_record(entry) for entry in fresh.faults),
    )


def _check_digests(report: Report, folder: Path) -> Iterator[str]:
    if (seen := digest(canonical(report))) != report.report_digest:
        yield f"the report was changed: its digest is {seen}, it says {report.report_digest}"
    listed = {artifact.path for artifact in report.artifacts}
    for row in report.scenarios:
        if row.history and row.history not in listed:
            yield f"{row.history}: the history of {row.id} is no artifact of the report"
    for artifact in report.artifacts:
        file = inside(folder, artifact.path)
        if file is None:
            yield f"{artifact.path}: this artifact is missing"
        elif (seen := digest(file.read_bytes())) != artifact.sha256:
            yield f"{artifact.path}: this artifact was changed: it is {seen}, not {artifact.sha256}"


def _check_tests(report: Report, asked: Asked) -> Iterator[str]:
    ids = [test.id for test in report.tests]
    if len(ids) != report.suite.expected:
        yield f"the suite has {report.suite.expected} tests, the report {len(ids)}"
    if required_digest(ids) != report.suite.required_tests_digest or len({*ids}) != len(ids):
        yield "the tests are not those that had to be run: their digest is another"
    if report.harness.version == __version__:
        for name in sorted({*asked.tests} - {*ids}):
            yield f"{name}: this test is missing"
        for unknown in sorted({*ids} - {*asked.tests}):
            yield f"{unknown}: there is no such test"


def _check_rows(report: Report, again: list[Rows]) -> Iterator[str]:
    """Compare the rows of the report with those that the histories give now."""
    reported = {(entry.scenario, entry.id): entry for entry in report.invariants}
    judged = {
        (entry.scenario, entry.id): entry
        for rows_of_run in again
        for entry in rows_of_run.invariants
    }
    for scenario, name in sorted({*judged, *reported}):
        key = scenario, name
        yield from _compare_row(f"{name} in {scenario}", reported.get(key), judged.get(key))
    faults = {*report.faults}
    yield from _compare_faults(
        faults, {entry for rows_of_run in again for entry in rows_of_run.faults}
    )
    for row, rows_of_run in zip(report.scenarios, again, strict=True):
        if row != rows_of_run.scenario and row.history == rows_of_run.scenario.history:
            yield f"{row.id}: what the report says of this scenario is not what its history says"
    for test in report.tests:
        yield from _check_outcome(
            report, test, [entry for rows_of_run in again for entry in rows_of_run.invariants]
        )


def _compare_row(what: str, said: InvariantRow | None, seen: InvariantRow | None) -> Iterator[str]:
    if said is None or seen is None:
        yield f"{what}: {'the report has no such row' if said is None else 'no history shows it'}"
    elif said.verdict != seen.verdict:
        yield f"{what}: the report says {said.verdict}, the history {seen.verdict}"
    elif said != seen:
        old, new = msgspec.to_builtins(said), msgspec.to_builtins(seen)
        names = ", ".join(name for name in old if old[name] != new[name])
        yield f"{what}: this is not what the history says: {names}"


def _compare_faults(said: set[Fault], seen: set[Fault]) -> Iterator[str]:
    for fault in sorted({f"{fault.kind} in {fault.scenario}" for fault in said ^ seen}):
        yield f"the fault {fault}: the report and the history do not say the same"


def _check_outcome(report: Report, test: Case, seen: list[InvariantRow]) -> Iterator[str]:
    """Check whether the rows that the histories give now support an outcome."""
    scenario_rows = [row for row in seen if row.scenario == test.scenario]
    if test.invariant == "others":
        verdicts = {row.verdict for row in scenario_rows if not row.required}
        fits = test.outcome != "failed" or "fail" in verdicts
    else:
        verdicts = {row.verdict for row in scenario_rows if row.id == test.invariant}
        needs = {"passed": {"pass"}, "failed": {"fail"}, "accepted": {"unknown"}}
        fits = verdicts == needs.get(test.outcome, verdicts)
        if test.outcome == "accepted":
            fits = fits and test.invariant in report.overrides.accepted
    if not fits:
        yield f"{test.id}: it was {test.outcome}, which its history does not bear out"
    elif test.outcome != "failed" and test.invariant != "others" and "fail" in verdicts:
        yield f"{test.id}: it was {test.outcome}, and its history shows a failure"


def _check_conclusions(report: Report) -> Iterator[str]:
    """Check every field that follows from the rest of the report."""
    summary = worst(report.invariants)
    verdict = result(report.exit_code, report.tests)
    name = _profile_of(report)[0]
    fields = {
        "result": (report.result, verdict),
        "summary": (report.summary, summary),
        "headline": (report.headline, _headline(report, verdict, summary)),
        "profiles": (report.profiles, (profile(name, report.tests),)),
    }
    for field, (reported, derived) in fields.items():
        if reported != derived:
            yield f"{field}: this does not follow from the tests and the rows: {_short(reported)}"
    if report.exit_code == 0 and "fail" in summary.values():
        yield "exitCode: it is 0, and a guarantee is broken"
    if any(test.outcome == "failed" for test in report.tests) and report.exit_code in (0, 6):
        yield f"exitCode: it is {report.exit_code}, and a test has failed"


def _headline(report: Report, answer: Result, summary: Mapping[str, VerdictWord]) -> str:
    """Write the headline again; mask credentials again, as when it was first written."""
    sentence = headline(
        answer,
        summary,
        report.overrides,
        exit_code=report.exit_code,
        tests=report.tests,
        scenarios=report.scenarios,
    )
    return masking.mask(sentence)


def _short(thing: object) -> str:
    return f"{thing!s:.200}"
