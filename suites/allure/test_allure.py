"""Allure's own program takes the results, and drops nothing of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.core import commands
from harness.core.errors import InfrastructureError
from harness.report import formats
from harness.report.build import build
from harness.report.formats.allure import RESULTS
from harness.report.model import Report
from harness.suites.page.pages import hostile, lost
from harness.suites.unit.dsl.history import good_fine
from harness.suites.unit.dsl.reports import cases, known, run

#: Seconds for a report of a few tests; its program starts slowly.
_LONGEST = 120.0


@pytest.fixture(scope="module")
def allure() -> str:
    """The program; `QUEUEJOB_ALLURE` names another than the one on PATH."""
    program = os.environ.get("QUEUEJOB_ALLURE") or commands.which("allure")
    if not program:
        raise InfrastructureError(
            "there is no allure to read the results with",
            expected="allure 3 on PATH",
            seen="none",
            todo="npm install allure, or set QUEUEJOB_ALLURE",
        )
    return str(program)


def report(folder: Path) -> Report:
    """Of a scenario that passes, one that fails, one that prints what would act, one not played."""
    runs = [
        run(folder, "fault-free", good_fine()),
        run(folder, "killed-in-work", lost()),
        run(folder, "failing-item", hostile()),
        run(folder, "scale-up", None, error="the cluster is gone"),
    ]
    tests = [
        *cases("fault-free"),
        *cases("killed-in-work", S1="failed", L2="unproved"),
        *cases("failing-item", S1="failed", S2="unproved", L2="accepted"),
        *cases("scale-up", S1="errored", S2="skipped", L2="notRun"),
    ]
    return build(known(exit_code=1), tests, runs, folder)


def test_it_shows_every_test_with_its_steps_and_history(allure: str, tmp_path: Path) -> None:
    formats.write(report(tmp_path), tmp_path)
    site = tmp_path / "site"
    commands.run([allure, "generate", tmp_path / RESULTS, "--output", site], timeout=_LONGEST)
    ours = {one["name"]: one for one in map(load, (tmp_path / RESULTS).glob("*-result.json"))}
    shown = {one["name"]: one for one in map(load, (site / "data" / "test-results").glob("*"))}
    assert len(ours) == 12
    assert set(shown) == set(ours)
    for name, one in ours.items():
        assert steps(shown[name]) == [step["name"] for step in one["steps"]]
        assert shown[name]["status"] == one["status"]
        links = [step["link"] for step in shown[name]["steps"] if step["type"] == "attachment"]
        assert [link["missed"] for link in links] == [False] * len(one["attachments"])
        message = (shown[name].get("error") or {}).get("message", "")
        assert message == one["statusDetails"].get("message", "")
    kept = {file.read_bytes() for file in (site / "data" / "attachments").iterdir()}
    assert kept == {file.read_bytes() for file in tmp_path.glob("core/*/*/history.ndjson")}
    assert any(one["steps"] for one in ours.values())
    assert sum(len(one["attachments"]) for one in ours.values()) == 9


def load(file: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(file.read_text())
    return made


def steps(result: dict[str, Any]) -> list[str]:
    """The names of its steps; attachments stand among them."""
    return [one["name"] for one in result["steps"] if one["type"] == "step"]
