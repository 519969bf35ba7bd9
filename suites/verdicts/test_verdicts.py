"""Each worker through its scenarios: what is found is what its defect is, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.campaign import Campaign
from harness.fixtures.conformance import CampaignOf
from harness.suites.verdicts.cases import CORRECT, PAGES, Case, all_cases

#: All of them take an hour: `tox -e verdicts`. The few that decide most are for every change.
CASES = all_cases() if os.environ.get("QUEUEJOB_WORKERS") == "all" else (*CORRECT, *PAGES)
PLAYED = [
    pytest.param(case, scenario, id=f"{case.recipe}-{scenario}")
    for case in CASES
    for scenario in case.scenarios
]


@pytest.fixture(scope="session")
def campaign(campaign_of: CampaignOf, session_folder: Path) -> Callable[[Case], Campaign]:
    """The runs of a worker, which are shared by the tests of this session."""
    return lambda case: campaign_of(
        case.worker, session_folder / "verdicts" / case.recipe, level=case.level
    )


@pytest.mark.parametrize(("case", "scenario"), PLAYED)
def test_nothing_else_is_found(
    campaign: Callable[[Case], Campaign], case: Case, scenario: str
) -> None:
    """A scenario of a correct worker proves all it is to prove; of another, nothing unforeseen."""
    run = campaign(case).judged(scenario)
    extra = run.found() - case.must - case.may
    assert not extra, run.told(*sorted(extra))
    if case.correct:
        assert not run.error, run.error
        unproved = {name for name in case.proves(scenario) if not run.judgement.proved(name)}
        assert not unproved, run.told(*sorted(unproved))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.recipe) for case in CASES])
def test_what_must_be_found_is_found(campaign: Callable[[Case], Campaign], case: Case) -> None:
    """All scenarios together find what this worker breaks."""
    runs = [campaign(case).judged(scenario) for scenario in case.scenarios]
    assert case.must <= set().union(*(run.found() for run in runs))
