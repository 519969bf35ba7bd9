"""The deciding scenario of each worker, played again and again: always the same verdict.

The end of the session writes the table; `QUEUEJOB_REPEAT` says how often (20).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.engine.campaign import Campaign
from harness.fixtures.conformance import CampaignOf
from harness.suites.stability.table import Row, write
from harness.suites.verdicts.cases import Case

TIMES = int(os.environ.get("QUEUEJOB_REPEAT", "20"))


@dataclass(frozen=True)
class Deciding:
    """A worker, and the scenario that decides about it."""

    case: Case
    scenario: str
    #: Ids that have to be found broken, whoever's fault it is; none of a correct worker.
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    #: Found with the Job as the subject: the manifest's fault.
    job: tuple[str, ...] = ()


def _case(recipe: str, *must: str) -> Case:
    return Case(recipe, "coarse" if "coarse" in recipe else "fine", frozenset(must))


DECIDING = (
    Deciding(_case("tutorial-fine"), "killed_before_ack", ("L1",), ("L3",)),
    Deciding(_case("tutorial-coarse-crash"), "fault_free", ("S11",), ("S1", "S9", "S12", "S13")),
    Deciding(_case("fine-destructive-pop"), "killed_in_work", ("S1",), ("S3", "S12", "L1")),
    Deciding(_case("coarse-auto-ack"), "killed_in_work", ("S1",), ("S3", "S12", "L1")),
    Deciding(_case("fine-ack-first"), "killed_in_work", ("S1", "S3"), ("S12", "L1")),
    Deciding(_case("coarse-ack-first", "S1", "S3"), "killed_in_work", ("S1", "S3"), ("S12", "L1")),
    Deciding(_case("fine-leaves-early"), "last_lease", ("S9",), ("S1", "S12", "L8")),
    Deciding(_case("reference-coarse"), "completions_mismatch", job=("S12",)),
    Deciding(_case("reference-fine"), "killed_in_work"),
    Deciding(_case("reference-coarse"), "killed_in_work"),
)


@pytest.fixture(scope="module")
def rows(session_folder: Path) -> Iterator[list[Row]]:
    """What was found in each run; written as a file for each process, and together as a table."""
    found: list[Row] = []
    yield found
    write(session_folder / "stability", found)


@pytest.mark.parametrize("turn", range(1, TIMES + 1))
@pytest.mark.parametrize(
    "one", [pytest.param(one, id=f"{one.case.recipe}-{one.scenario}") for one in DECIDING]
)
def test_the_same_verdict(
    campaign_of: CampaignOf, session_folder: Path, rows: list[Row], one: Deciding, turn: int
) -> None:
    """What must be found is found, and nothing that may not."""
    home = session_folder / "stability" / one.case.recipe
    folder = home / f"{one.scenario}-{turn}"
    alone = one.scenario == "fault_free"
    campaign: Campaign = campaign_of(one.case.worker, folder, None if alone else home)
    run = campaign.judged(one.scenario)
    found, jobs = run.violated(), run.of_the_job()
    right = set(one.must) <= found <= {*one.must, *one.may} and set(one.job) <= jobs
    rows.append(Row(one.case.recipe, one.scenario, turn, sorted(found), sorted(jobs), right))
    assert not run.error, run.error
    assert right, run.findings_text(*sorted(found | set(one.must)))
    if not one.must and not one.job:
        unproved = {name for name in run.judgement.verdicts if name in ("S1", "L1", "L3", "S12")}
        assert all(run.judgement.proved(name) for name in unproved), run.findings_text(
            *sorted(unproved)
        )
