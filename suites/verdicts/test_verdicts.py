"""The workers that decide most, for every change: each defect is found, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine.campaign import Campaign
from harness.fixtures.conformance import CampaignOf
from harness.suites.verdicts.cases import Case, quick_cases
from harness.suites.verdicts.checks import all_is_found, nothing_else_is_found

CASES = quick_cases()
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
    nothing_else_is_found(case, scenario, campaign(case).judged(scenario))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.recipe) for case in CASES])
def test_what_must_be_found_is_found(campaign: Callable[[Case], Campaign], case: Case) -> None:
    """All scenarios together find what this worker breaks."""
    all_is_found(case, map(campaign(case).judged, case.scenarios))


@pytest.mark.parametrize(
    ("recipe", "invariant"), [("reference-fine", "J1"), ("reference-coarse", "S12")]
)
def test_completions_that_do_not_match_are_found_in_the_job(
    campaign: Callable[[Case], Campaign], recipe: str, invariant: str
) -> None:
    """And not in the worker, which is a correct one."""
    (case,) = (one for one in CASES if one.recipe == recipe)
    run = campaign(case).judged("completions_mismatch")
    assert invariant in run.of_the_job(), run.findings_text(invariant)
