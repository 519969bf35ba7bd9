"""What a run is made of: its items, its header, and the Jobs of its workers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from harness.engine.calibration import Calibration
from harness.engine.run_spec import (
    RunSpec,
    header_for,
    hidden_by,
    idle_watch_seconds,
    items_at_start,
    items_for,
    job_manifest,
    neighbour_job_manifest,
)
from harness.engine.scenario import Scenario
from harness.engine.worker.items import Items
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.history import Digest, Figures, to_bytes
from harness.patterns.coarse.pattern import PATTERN as COARSE
from harness.patterns.fine.pattern import PATTERN as FINE
from harness.scenarios.equal_items import SCENARIO as EQUAL
from harness.scenarios.last_lease import SCENARIO as LAST
from harness.scenarios.many_items import SCENARIO as MANY
from harness.scenarios.neighbour import SCENARIO as NEIGHBOUR
from harness.scenarios.odd_payloads import SCENARIO as ODD

PATTERNS = {"fine": FINE, "coarse": COARSE}


def part(scenario: Scenario, pattern: str = "fine", **fields: Any) -> RunSpec:
    worker = WorkerUnderTest("my/worker:1", pattern, **fields)
    station: Any = SimpleNamespace(pattern=PATTERNS[pattern])
    return RunSpec(worker, "my/worker:1", scenario, station, Calibration())


def env_of(job: Any) -> dict[str, str]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"]}


def test_items_that_are_equal_are_announced_as_such() -> None:
    one = part(EQUAL)
    items = items_for(one)
    assert len(set(items)) < len(items)
    assert not header_for(one, items).unique_items
    assert header_for(part(ODD), items_for(part(ODD))).unique_items


def test_one_worker_has_work_for_as_long_as_another_is_watched() -> None:
    one = part(LAST, patience=12.0)
    assert idle_watch_seconds(one) == 12
    items = items_for(one)
    assert len(items) == len(set(items)) == 3 + 20  # quick ones rest for 0.6 s
    assert items_at_start(one, len(items)) == 2
    given = part(LAST, items=Items(own=(b"first", b"second", b"third", b"fourth")))
    assert items_for(given) == (b"first", b"second", b"third", b"fourth")


def test_the_last_message_is_kept_back() -> None:
    one = part(LAST, "coarse")
    items = items_for(one)
    assert items_at_start(one, len(items)) == len(items) - 1 == 2
    assert items_at_start(part(EQUAL, "coarse"), 4) == 4
    assert items_at_start(part(LAST, "coarse"), 1) == 1


@pytest.mark.parametrize(("pace", "count"), [(None, 6), (0.1, 30), (1.5, 20), (10.0, 6)])
def test_as_many_items_as_fit_into_a_time(pace: float | None, count: int) -> None:
    one = dataclasses.replace(part(MANY), calibration=Calibration(Figures(pace=pace)))
    assert len(items_for(one)) == count
    coarse = dataclasses.replace(part(MANY, "coarse"), calibration=Calibration(Figures(pace=pace)))
    assert len(items_for(coarse)) == 6


def test_coarse_has_as_many_completions_as_items() -> None:
    one = part(ODD, "coarse")
    items = items_for(one)
    assert job_manifest(one, len(items))["spec"]["completions"] == len(items)


def test_odd_payloads() -> None:
    items = items_for(part(ODD))
    assert b"" in items
    assert any(b"\xff" in item for item in items)
    assert any(item.count(b"\n") > 1 for item in items)
    assert max(map(len, items)) == 1_000_000


@pytest.mark.parametrize(
    ("pattern", "named", "variable"),
    [("fine", "LIST", "LIST"), ("coarse", "", "QUEUE"), ("coarse", "LIST", "LIST")],
)
def test_another_job_is_told_its_own_queue(pattern: str, named: str, variable: str) -> None:
    one = part(NEIGHBOUR, pattern, queue_env=named)
    job = neighbour_job_manifest(one, "next", "other", 3)
    assert env_of(job)[variable] == "other"
    assert job["metadata"]["name"] == "next"
    assert job["spec"].get("completions") == (3 if pattern == "coarse" else None)


def test_nobody_knows_how_to_tell_a_fine_worker_its_queue() -> None:
    assert not part(NEIGHBOUR).queue_env


def test_the_neighbours_items_are_others() -> None:
    one = part(NEIGHBOUR)
    items = items_for(one)
    neighbours = header_for(one, items).neighbours
    assert len(neighbours) == len(items)
    theirs = {to_bytes(item) for item in neighbours if not isinstance(item, Digest)}
    assert not theirs & {*items}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("worker || true", "|| true"),
        ("worker || :", "|| :"),
        ("worker || exit 0", "|| exit 0"),
        ("worker || echo failed", "|| echo failed"),
        ("worker | tee /log", "| tee /log"),
        ("worker; true", "; true"),
        ("worker\nexit 0\n", "; exit 0"),
        ("worker; echo done", "; echo done"),
        ("worker # really\ntrue", "; true"),
        ("worker & sleep 9", "& sleep 9"),
    ],
)
def test_a_shell_that_hides_the_exit_code(script: str, words: str) -> None:
    assert hidden_by(script) == words


@pytest.mark.parametrize(
    "script",
    [
        "worker",
        "exec worker",
        "cd /app && exec worker",
        "export A=1; worker",
        "set -e; worker; echo done",
        "set -o pipefail; worker | tee /log",
        "worker || exit 1",
        "worker || exit $?",
        "worker; exit $?",
        "test -f x || worker",
        "worker --pattern 'a;b'",
    ],
)
def test_a_shell_that_passes_the_exit_code_on(script: str) -> None:
    assert hidden_by(script) == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/bin/sh", "-c", "worker || true"], "|| true"),
        (["bash", "-ec", "worker; echo done"], ""),
        (["tini", "--", "sh", "-c", "worker; true"], "; true"),
        (["worker", "|| true"], ""),
    ],
)
def test_the_header_says_what_hides_the_exit_code(
    tmp_path: Path, command: list[str], words: str
) -> None:
    spec = {"containers": [{"name": "a", "command": command}]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}}
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump({**job, "spec": {"template": {"spec": spec}}}))
    one = part(ODD, job=file)
    assert header_for(one, items_for(one)).swallows == words
    assert header_for(part(ODD), items_for(part(ODD))).swallows == ""
