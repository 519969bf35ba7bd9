"""Judges the histories beside a report again, and says each thing that does not agree with it."""

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
    """All that does not agree, a line each; empty where the report is what it says.

    `folder` has the artifacts, at the paths that the report gives.
    """
    pattern, level = _asked_for(report)
    asked = ask(pattern, level)
    again = [_again(report, one, folder, asked, level) for one in report.scenarios]
    lines = [
        *_digests(report, folder),
        *_tests(report, asked),
        *_judged(report, again),
        *_concluded(report),
    ]
    if lines and report.harness.version != __version__:
        lines.append(
            f"it was made with version {report.harness.version}, and this is {__version__}: "
            "verify it with that one"
        )
    return lines


def inside(folder: Path, path: str) -> Path | None:
    """The file of this path, unless that leads out of the folder or to no file."""
    file = (folder / path).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None


def _asked_for(report: Report) -> tuple[str, Level]:
    name = report.profiles[0].name if report.profiles else ""
    pattern = next((one for one, known in PROFILES.items() if known == name), name.lower())
    extended = any(one.level == "extended" for one in report.tests)
    return pattern, "extended" if extended else "core"


def _again(report: Report, row: ScenarioRow, folder: Path, asked: Asked, level: Level) -> Rows:
    """What the history says now. One that is not there gives nothing, as when it was never made."""
    said = [one.id for one in report.invariants if one.scenario == row.id and one.required]
    run = PlannedRun(
        name=row.id,
        says=row.says,
        proves=asked.proves.get(row.id, said),
        history=row.history if row.history and inside(folder, row.history) else "",
        error=row.error,
        level=level,
    )
    try:
        made = rows(run, folder)
    except BrokenHistory as error:
        made = unreadable(run, error)
    return Rows(
        mask_record(made.scenario),
        tuple(mask_record(one) for one in made.invariants),
        tuple(mask_record(one) for one in made.faults),
    )


def _digests(report: Report, folder: Path) -> Iterator[str]:
    if (seen := digest(canonical(report))) != report.report_digest:
        yield f"the report was changed: its digest is {seen}, it says {report.report_digest}"
    listed = {one.path for one in report.artifacts}
    for row in report.scenarios:
        if row.history and row.history not in listed:
            yield f"{row.history}: the history of {row.id} is no artifact of the report"
    for one in report.artifacts:
        file = inside(folder, one.path)
        if file is None:
            yield f"{one.path}: this artifact is missing"
        elif (seen := digest(file.read_bytes())) != one.sha256:
            yield f"{one.path}: this artifact was changed: it is {seen}, not {one.sha256}"


def _tests(report: Report, asked: Asked) -> Iterator[str]:
    ids = [one.id for one in report.tests]
    if len(ids) != report.suite.expected:
        yield f"the suite has {report.suite.expected} tests, the report {len(ids)}"
    if required_digest(ids) != report.suite.required_tests_digest or len({*ids}) != len(ids):
        yield "the tests are not those that had to be run: their digest is another"
    if report.harness.version == __version__:
        for missing in sorted({*asked.tests} - {*ids}):
            yield f"{missing}: this test is missing"
        for strange in sorted({*ids} - {*asked.tests}):
            yield f"{strange}: there is no such test"


def _judged(report: Report, again: list[Rows]) -> Iterator[str]:
    """Rows of the report beside those that the histories give now."""
    said = {(one.scenario, one.id): one for one in report.invariants}
    seen = {(one.scenario, one.id): one for each in again for one in each.invariants}
    for scenario, name in sorted({*seen, *said}):
        key = scenario, name
        yield from _row(f"{name} in {scenario}", said.get(key), seen.get(key))
    faults = {*report.faults}
    yield from _faults(faults, {one for each in again for one in each.faults})
    for was, each in zip(report.scenarios, again, strict=True):
        if was != each.scenario and was.history == each.scenario.history:
            yield f"{was.id}: what the report says of this scenario is not what its history says"
    for test in report.tests:
        yield from _outcome(report, test, [one for each in again for one in each.invariants])


def _row(what: str, said: InvariantRow | None, seen: InvariantRow | None) -> Iterator[str]:
    if said is None or seen is None:
        yield f"{what}: {'the report has no such row' if said is None else 'no history shows it'}"
    elif said.verdict != seen.verdict:
        yield f"{what}: the report says {said.verdict}, the history {seen.verdict}"
    elif said != seen:
        old, new = msgspec.to_builtins(said), msgspec.to_builtins(seen)
        names = ", ".join(name for name in old if old[name] != new[name])
        yield f"{what}: this is not what the history says: {names}"


def _faults(said: set[Fault], seen: set[Fault]) -> Iterator[str]:
    for one in sorted({f"{one.kind} in {one.scenario}" for one in said ^ seen}):
        yield f"the fault {one}: the report and the history do not say the same"


def _outcome(report: Report, test: Case, seen: list[InvariantRow]) -> Iterator[str]:
    """Whether an outcome is borne out by the rows that the histories give now."""
    rows_ = [one for one in seen if one.scenario == test.scenario]
    if test.invariant == "others":
        verdicts = {one.verdict for one in rows_ if not one.required}
        fits = test.outcome != "failed" or "fail" in verdicts
    else:
        verdicts = {one.verdict for one in rows_ if one.id == test.invariant}
        needs = {"passed": {"pass"}, "failed": {"fail"}, "accepted": {"unknown"}}
        fits = verdicts == needs.get(test.outcome, verdicts)
        if test.outcome == "accepted":
            fits = fits and test.invariant in report.overrides.accepted
    if not fits:
        yield f"{test.id}: it was {test.outcome}, which its history does not bear out"
    elif test.outcome != "failed" and test.invariant != "others" and "fail" in verdicts:
        yield f"{test.id}: it was {test.outcome}, and its history shows a failure"


def _concluded(report: Report) -> Iterator[str]:
    """What follows from the rest of the report."""
    summary = worst(report.invariants)
    answer = result(report.exit_code, report.tests)
    name = _asked_for(report)[0]
    fresh = {
        "result": (report.result, answer),
        "summary": (report.summary, summary),
        "headline": (report.headline, _headline(report, answer, summary)),
        "profiles": (report.profiles, (profile(name, report.tests),)),
    }
    for what, (said, follows) in fresh.items():
        if said != follows:
            yield f"{what}: this does not follow from the tests and the rows: {_short(said)}"
    if report.exit_code == 0 and "fail" in summary.values():
        yield "exitCode: it is 0, and a guarantee is broken"
    if any(one.outcome == "failed" for one in report.tests) and report.exit_code in (0, 6):
        yield f"exitCode: it is {report.exit_code}, and a test has failed"


def _headline(report: Report, answer: Result, summary: Mapping[str, VerdictWord]) -> str:
    """Made anew; of what was cleaned when it was written, that is done again."""
    fresh = headline(
        answer,
        summary,
        report.overrides,
        exit_code=report.exit_code,
        tests=report.tests,
        scenarios=report.scenarios,
    )
    return masking.mask(fresh)


def _short(thing: object) -> str:
    return f"{thing!s:.200}"
