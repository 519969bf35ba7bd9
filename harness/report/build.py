"""Makes the report, once, of what a campaign has left and of what its session knows."""

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

#: What a pattern with its broker is called.
PROFILES = {"coarse": "COARSE-RABBITMQ", "fine": "FINE-REDIS"}


@dataclass(frozen=True)
class SessionFacts:
    """What the session knows, and no history."""

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
    #: Files beside the histories that belong to the report, relative to its folder.
    artifacts: tuple[str, ...] = ()
    redacted: bool = False


def build(
    known: SessionFacts, tests: Iterable[Case], runs: Iterable[PlannedRun], folder: Path
) -> Report:
    """The report of what lies in `folder`.

    `tests` are all that belong to the profile, also those that were not run.
    """
    played = [_played(run, folder) for run in runs]
    invariants = tuple(sorted((one for each in played for one in each.invariants), key=_order))
    faults = tuple(one for each in played for one in each.faults)
    finished = tuple(_finished(one, invariants, faults, played) for one in tests)
    answer = result(known.exit_code, finished)
    overrides = _overrides(known, finished)
    summary = worst(invariants)
    report = Report(
        report_id=known.report_id,
        started_at=known.started_at,
        finished_at=known.finished_at,
        result=answer,
        exit_code=known.exit_code,
        headline=headline(
            answer,
            summary,
            overrides,
            exit_code=known.exit_code,
            tests=finished,
            scenarios=[one.scenario for one in played],
        ),
        summary=summary,
        implementation=known.implementation,
        harness=known.harness,
        suite=Suite(
            version=known.harness.version,
            required_tests_digest=required_digest(one.id for one in finished),
            expected=len(finished),
        ),
        environment=known.environment,
        brokers=known.brokers,
        manifests=known.manifests,
        profiles=(profile(known.pattern, finished),),
        tests=finished,
        scenarios=tuple(one.scenario for one in played),
        invariants=invariants,
        faults=faults,
        overrides=overrides,
        negative_controls=known.negative_controls,
        reproduce=Reproduce(command=known.command),
        artifacts=artifacts(folder, played, known.artifacts),
        redacted=known.redacted,
    )
    return sealed(mask_record(report))


def _played(run: PlannedRun, folder: Path) -> Rows:
    try:
        return rows(run, folder)
    except BrokenHistory as error:  # of a process that was killed while it wrote
        return unreadable(run, error)


def worst(invariants: Iterable[InvariantRow]) -> dict[str, VerdictWord]:
    """By invariant, the worst of its rows."""
    found: dict[str, VerdictWord] = {}
    for row in invariants:
        found[row.id] = max(found.get(row.id, "pass"), row.verdict, key=VERDICTS.index)
    return found


def profile(pattern: str, tests: Sequence[Case]) -> Profile:
    """What the tests of each level come to."""
    levels = {
        name: level([one for one in tests if one.level == name])
        for name in ("core", "extended")
        if any(one.level == name for one in tests)
    }
    return Profile(
        name=PROFILES.get(pattern, pattern.upper()),
        core=levels.get("core"),
        extended=levels.get("extended"),
    )


def level(tests: Sequence[Case]) -> Level:
    """Success only where each test has passed, failure where one has failed."""
    outcomes = [one.outcome for one in tests]
    failed = tuple(one.id for one in tests if one.outcome == "failed")
    whole = set(outcomes) == {"passed"}
    return Level(
        result="failure" if failed else "success" if whole else "partial",
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
        skipped_tests=tuple(one.id for one in tests if one.outcome in LEFT_OUT),
    )


def artifacts(folder: Path, played: Iterable[Rows], others: Iterable[str]) -> tuple[Digested, ...]:
    """The histories and the other files, each with its digest."""
    paths = {one.scenario.history for one in played if one.scenario.history} | set(others)
    return tuple(
        Digested(path=one, sha256=digest((folder / one).read_bytes())) for one in sorted(paths)
    )


def _order(row: InvariantRow) -> tuple[tuple[int, str, int], str]:
    return sort_key(row.id), row.scenario


def _finished(
    test: Case, invariants: Sequence[InvariantRow], faults: Sequence[Fault], played: Sequence[Rows]
) -> Case:
    """The test with its evidence; one whose fault never landed says nothing, so it is errored."""
    missed = [one.kind for one in faults if one.scenario == test.scenario and not one.confirmed]
    if test.outcome == "unproved" and missed:
        reason = f"the fault {', '.join(missed)} was not seen to land\n{test.reason}".rstrip()
        test = msgspec.structs.replace(test, outcome="errored", reason=reason)
    history = next((one.scenario.history for one in played if one.scenario.id == test.scenario), "")
    events = {
        event
        for row in invariants
        if row.scenario == test.scenario and row.id == test.invariant
        for found in row.findings
        for event in found.events
    }
    if not history or test.outcome in LEFT_OUT:
        return test
    evidence = (Evidence(artifact=history, events=tuple(sorted(events))),)
    return msgspec.structs.replace(test, evidence=evidence)


def _overrides(known: SessionFacts, tests: Iterable[Case]) -> Overrides:
    some = tuple(tests)
    return Overrides(
        timeouts=known.timeout_factor,
        skips=tuple(one.id for one in some if one.outcome in LEFT_OUT),
        retries=sum(len(one.attempts) > 1 for one in some),
        accepted=tuple(sorted(known.accepted)),
    )
