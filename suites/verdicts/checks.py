"""What is asked of a worker whose defects are known, and of one that has none."""

from __future__ import annotations

from collections.abc import Iterable

from harness.engine.campaign import JudgedRun
from harness.suites.verdicts.cases import Case


def nothing_else_is_found(case: Case, scenario: str, run: JudgedRun) -> None:
    """Nothing that was not foreseen; of a correct worker all is proved that this scenario shows."""
    extra = run.violated() - case.must - case.may
    assert not extra, run.findings_text(*sorted(extra))
    if case.correct:
        assert not run.error, run.error
        unproved = {name for name in case.proves(scenario) if not run.judgement.proved(name)}
        assert not unproved, run.findings_text(*sorted(unproved))


def all_is_found(case: Case, runs: Iterable[JudgedRun]) -> None:
    """The runs together show all that must be found; where not, what they say instead is told."""
    played = list(runs)
    missing = sorted(case.must - set().union(*(run.violated() for run in played)))
    assert not missing, {
        run.header.scenario: [run.error, *run.findings_text(*missing)] for run in played
    }
