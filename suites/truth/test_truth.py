"""No defective worker passes and no correct one is accused, however they look (see sample.py)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.core.errors import QueuejobError
from harness.engine.campaign import Campaign
from harness.fixtures.conformance import CampaignOf
from harness.suites.truth.sample import sample
from harness.suites.truth.table import ROW, WRONG, Row
from harness.suites.truth.verdicts import Said, right, said, scenarios
from harness.suites.truth.workers import Stranger, under_test

STRANGERS = sample()
#: Both patterns' workers are in one image.
_IMAGE = "recipe:disguised"


def name_of(stranger: Stranger) -> str:
    """Its place in the sample, for a folder and an id."""
    return f"pair{STRANGERS.index(stranger)}"


@pytest.fixture(scope="session")
def campaign(campaign_of: CampaignOf, session_folder: Path) -> Callable[[Stranger], Campaign]:
    """The runs of a worker, which are shared by the tests of this session."""
    return lambda who: campaign_of(
        under_test(who, _IMAGE), session_folder / "truth" / name_of(who), level="core"
    )


# What stands before the last dash of an id decides which process runs it.
@pytest.mark.parametrize(
    ("stranger", "scenario"),
    [
        pytest.param(stranger, scenario, id=f"{name_of(stranger)}-{scenario}")
        for stranger in STRANGERS
        for scenario in scenarios(stranger.pattern)
    ],
)
def test_a_scenario_is_played(
    request: pytest.FixtureRequest,
    campaign: Callable[[Stranger], Campaign],
    stranger: Stranger,
    scenario: str,
) -> None:
    """What it says is recorded; a correct worker is not accused in any."""
    told = _told(campaign(stranger), scenario)
    row = Row(stranger.name, told)
    request.node.user_properties.append((ROW, msgspec.to_builtins(row)))
    if stranger.defect is None:
        assert not told.found, f"{stranger.name}: {told}"


@pytest.mark.parametrize(
    "stranger", [pytest.param(stranger, id=f"{name_of(stranger)}-all") for stranger in STRANGERS]
)
def test_a_verdict_is_right(campaign: Callable[[Stranger], Campaign], stranger: Stranger) -> None:
    """All scenarios together: right, or unknown."""
    runs = campaign(stranger)
    every = [_told(runs, name) for name in scenarios(stranger.pattern)]
    assert right(stranger, every) not in WRONG, f"{stranger.name}: {every}"


def _told(runs: Campaign, scenario: str) -> Said:
    """What a scenario says; where it could not be played, that nothing was proved."""
    try:
        return said(scenario, runs.judged(scenario))
    except QueuejobError as error:
        return Said(scenario, unproved={"": str(error)})
