"""Every mutant is caught and rightly named, and no correct worker is accused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.checks.plan import scenarios
from harness.engine.campaign import Campaign
from harness.fixtures.conformance import CampaignOf, not_applicable_reason
from harness.suites.mutants.matrix import ROW, row
from harness.suites.verdicts.cases import Case, all_cases
from harness.suites.verdicts.checks import all_is_found, nothing_else_is_found

#: Those that take longest come first: correct workers of RabbitMQ, which notices a lost node late.
CASES = sorted(all_cases(), key=lambda case: (not case.correct, case.pattern == "fine"))
#: By how many scenarios one worker's order is turned against the next one's.
_TURN = 8


def _in_turn(case: Case) -> tuple[str, ...]:
    """Its scenarios, each worker's from another on: not all want the spare node at once."""
    first, *others = case.scenarios
    turn = _TURN * CASES.index(case) % max(len(others), 1)
    return (first, *others[turn:], *others[:turn])


@pytest.fixture(scope="session")
def campaign(campaign_of: CampaignOf, session_folder: Path) -> Callable[[Case], Campaign]:
    """The runs of a worker, which are shared by the tests of this session."""
    return lambda case: campaign_of(
        case.worker, session_folder / "mutants" / case.recipe, level=case.level
    )


# What stands before the last dash of an id decides which process runs it (conftest.py).
@pytest.mark.parametrize(
    ("case", "scenario"),
    [
        pytest.param(case, scenario, id=f"{case.recipe}-{scenario}")
        for case in CASES
        for scenario in _in_turn(case)
    ],
)
def test_nothing_else_is_found(
    request: pytest.FixtureRequest,
    campaign: Callable[[Case], Campaign],
    case: Case,
    scenario: str,
) -> None:
    """A scenario of a correct worker proves all it is to prove; of another, nothing unforeseen."""
    if why := not_applicable_reason(request.config, scenarios(case.pattern, case.level)[scenario]):
        pytest.skip(why)
    run = campaign(case).judged(scenario)
    told = msgspec.to_builtins(row(case, scenario, run))
    request.node.user_properties.append((ROW, told))
    nothing_else_is_found(case, scenario, run)


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.recipe}-all") for case in CASES])
def test_what_must_be_found_is_found(
    request: pytest.FixtureRequest, campaign: Callable[[Case], Campaign], case: Case
) -> None:
    """All scenarios together find what this worker breaks."""
    known = scenarios(case.pattern, case.level)
    played = [
        one for one in case.scenarios if not not_applicable_reason(request.config, known[one])
    ]
    all_is_found(case, map(campaign(case).judged, played))
