"""A pattern of another distribution, by its entry point, is played and judged on the cluster."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from harness.core import registry
from harness.engine.campaign import Campaign
from harness.fixtures.conformance import CampaignOf
from harness.patterns.fine.pattern import PATTERN as FINE
from harness.suites.verdicts.cases import quick_cases

GROUP = "queuejob.patterns"


@pytest.fixture(scope="module")
def installed() -> Iterator[None]:
    """The pattern `drain`: its Job and its queue are those of the fine one, under other names."""
    module = ModuleType("drain", "Drain: a pod empties a list in Redis.")
    module.__dict__["PATTERN"] = dataclasses.replace(FINE, name="drain", queue="todo", job="drain")
    point = EntryPoint("drain", "drain:PATTERN", GROUP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "drain", module)
        patch.setattr(registry, "_entry_points", lambda group: (point,) if group == GROUP else ())
        yield


@pytest.fixture(scope="module")
def campaign(installed: None, campaign_of: CampaignOf, session_folder: Path) -> Campaign:  # noqa: ARG001  # it has to be there
    (case,) = (each for each in quick_cases() if each.recipe == "reference-fine")
    worker = dataclasses.replace(case.worker, pattern="drain", queue="todo", queue_env="QUEUE")
    return campaign_of(worker, session_folder / "live" / "drain")


@pytest.mark.parametrize(
    ("scenario", "proved"), [("fault_free", ["S1", "S3", "L3"]), ("killed_in_work", ["S1", "L1"])]
)
def test_it_is_played_and_judged_as_the_pattern_that_it_names(
    campaign: Campaign, scenario: str, proved: list[str]
) -> None:
    run = campaign.judged(scenario)
    assert not run.error
    assert not run.violated(), run.findings_text(*run.violated())
    assert [name for name in proved if not run.judgement.proved(name)] == []
    assert run.header.pattern == "fine"
    assert any(getattr(event.what, "queue", "") == "todo" for event in run.events)
