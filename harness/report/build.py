"""Build the report once, from what a campaign saved and from what its session knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from harness.checks.invariant import sort_key
from harness.history import BrokenHistory
from harness.report.canonical import digest, required_digest, sealed
from harness.report.headline import headline
from harness.report.mask import mask_record
from harness.report.model import (
    LEFT_OUT,
    VERDICTS,
    Broker,
    Case,
    Digested,
    Environment,
    Evidence,
    Fault,
    Harness,
    Implementation,
    InvariantRow,
    Level,
    NegativeControl,
    Overrides,
    Profile,
    Report,
    Reproduce,
    Statistics,
    Suite,
    VerdictWord,
)
from harness.report.outcome import result
from harness.report.rows import PlannedRun, Rows, rows, unreadable

#: Profile name of a pattern with its broker.
PROFILES = {"coarse": "COARSE-RABBITMQ", "fine": "FINE-REDIS"}


@dataclass(frozen=True)
class SessionFacts:
    """Facts that the session knows and that no history contains."""

    report_id: str
    #: Times of day, RFC 3339.
    started_at: str
    finished_at: str
    exit_code: int
    pattern: str
    implementation: Implementation
    harness: Harness
    command: str
    environment: Environment = field(default_factory=Environment)
    brokers: tuple[Broker, ...] = ()
    manifests: tuple[Digested, ...] = ()
    accepted: tuple[str, ...] = ()
    timeout_factor: float = 1.0
    negative_controls: tuple[NegativeControl, ...] = ()
    #: Files next to the histories that belong to the report, relative to its folder.
    artifacts: tuple[str, ...] = ()
    redacted: bool = False


def build(
    known: SessionFacts, tests: Iterable[Case], runs: Iterable[PlannedRun], folder: Path
) -> Report:
    """Build the report from the files in `folder`.

    Args:
        known: What the session knows.
        tests: All tests of the profile, also those that were not run.
        runs: The scenarios that were planned.
        folder: The report's folder, with the histories.
    """
    all_rows = [_read_rows(run, folder) for run in runs]
    invariants = tuple(
        sorted(
            (entry for rows_of_run in all_rows for entry in rows_of_run.invariants), key=_row_order
        )
    )
    faults = tuple(entry for rows_of_run in all_rows for entry in rows_of_run.faults)
    cases = tuple(_with_evidence(entry, invariants, faults, all_rows) for entry in tests)
    verdict = result(known.exit_code, cases)
    overrides = _overrides(known, cases)
    summary = worst(invariants)
    report = Report(
        report_id=known.report_id,
        started_at=known.started_at,
        finished_at=known.finished_at,
        result=verdict,
        exit_code=known.exit_code,
        headline=headline(
            verdict,
            summary,
            overrides,
            exit_code=known.exit_code,
            tests=cases,
            scenarios=[entry.scenario for entry in all_rows],
        ),
        summary=summary,
        implementation=known.implementation,
        harness=known.harness,
        suite=Suite(
            version=known.harness.version,
            required_tests_digest=required_digest(entry.id for entry in cases),
            expected=len(cases),
        ),
        environment=known.environment,
        brokers=known.brokers,
        manifests=known.manifests,
        profiles=(profile(known.pattern, cases),),
        tests=cases,
        scenarios=tuple(entry.scenario for entry in all_rows),
        invariants=invariants,
        faults=faults,
        overrides=overrides,
        negative_controls=known.negative_controls,
        reproduce=Reproduce(command=known.command),
        artifacts=artifacts(folder, all_rows, known.artifacts),
        redacted=known.redacted,
    )
    return sealed(mask_record(report))


def _read_rows(run: PlannedRun, folder: Path) -> Rows:
    try:
        return rows(run, folder)
    except BrokenHistory as error:  # the process was killed while it wrote
        return unreadable(run, error)


def worst(invariants: Iterable[InvariantRow]) -> dict[str, VerdictWord]:
    """Return the worst verdict of each invariant, over all its rows."""
    verdicts: dict[str, VerdictWord] = {}
    for row in invariants:
        verdicts[row.id] = max(verdicts.get(row.id, "pass"), row.verdict, key=VERDICTS.index)
    return verdicts


def profile(pattern: str, tests: Sequence[Case]) -> Profile:
    """Summarise the tests of each level."""
    levels = {
        name: level([test for test in tests if test.level == name])
        for name in ("core", "extended")
        if any(test.level == name for test in tests)
    }
    return Profile(
        name=PROFILES.get(pattern, pattern.upper()),
        core=levels.get("core"),
        extended=levels.get("extended"),
    )


def level(tests: Sequence[Case]) -> Level:
    """Summarise one level: success if every test passed, failure if one failed."""
    outcomes = [test.outcome for test in tests]
    failed = tuple(test.id for test in tests if test.outcome == "failed")
    complete = set(outcomes) == {"passed"}
    return Level(
        result="failure" if failed else "success" if complete else "partial",
        statistics=Statistics(
            passed=outcomes.count("passed"),
            failed=len(failed),
            unproved=outcomes.count("unproved"),
            accepted=outcomes.count("accepted"),
            errored=outcomes.count("errored"),
            skipped=outcomes.count("skipped"),
            not_run=outcomes.count("notRun"),
        ),
        failed_tests=failed,
        skipped_tests=tuple(test.id for test in tests if test.outcome in LEFT_OUT),
    )


def artifacts(folder: Path, played: Iterable[Rows], others: Iterable[str]) -> tuple[Digested, ...]:
    """List the histories and the other files, each with its digest."""
    paths = {entry.scenario.history for entry in played if entry.scenario.history} | set(others)
    return tuple(
        Digested(path=entry, sha256=digest((folder / entry).read_bytes()))
        for entry in sorted(paths)
    )


def _row_order(row: InvariantRow) -> tuple[tuple[int, str, int], str]:
    return sort_key(row.id), row.scenario


def _with_evidence(
    test: Case, invariants: Sequence[InvariantRow], faults: Sequence[Fault], played: Sequence[Rows]
) -> Case:
    """Add the evidence to a test.

    A test whose fault was not confirmed proves nothing, so an unproved one becomes errored.
    """
    unconfirmed = [
        entry.kind for entry in faults if entry.scenario == test.scenario and not entry.confirmed
    ]
    if test.outcome == "unproved" and unconfirmed:
        reason = f"the fault {', '.join(unconfirmed)} was not seen to land\n{test.reason}".rstrip()
        test = msgspec.structs.replace(test, outcome="errored", reason=reason)
    history = next(
        (entry.scenario.history for entry in played if entry.scenario.id == test.scenario), ""
    )
    events = {
        event
        for row in invariants
        if row.scenario == test.scenario and row.id == test.invariant
        for finding in row.findings
        for event in finding.events
    }
    if not history or test.outcome in LEFT_OUT:
        return test
    evidence = (Evidence(artifact=history, events=tuple(sorted(events))),)
    return msgspec.structs.replace(test, evidence=evidence)


def _overrides(known: SessionFacts, tests: Iterable[Case]) -> Overrides:
    cases = tuple(tests)
    return Overrides(
        timeouts=known.timeout_factor,
        skips=tuple(case.id for case in cases if case.outcome in LEFT_OUT),
        retries=sum(len(case.attempts) > 1 for case in cases),
        accepted=tuple(sorted(known.accepted)),
    )
