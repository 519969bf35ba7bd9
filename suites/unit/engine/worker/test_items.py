"""A user's own items: not a byte of them is changed, and where others are used that is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cli.gate.gate import Asked, Gate
from harness.cli.main import main
from harness.core.errors import InfrastructureError, UsageError
from harness.engine.calibration import Calibration
from harness.engine.campaign import Campaign, planned_runs
from harness.engine.progress.events import News, ScenarioStarted
from harness.engine.run_spec import (
    RunSpec,
    header_for,
    items_for,
    job_manifest,
    makes_its_own_items,
)
from harness.engine.scenario import Scenario, find_scenario, playable_scenarios
from harness.engine.worker.items import MOST, Items, parse_items
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.history import Figures, to_bytes
from harness.patterns.base import PATTERNS
from harness.report.model import Harness

#: As a queue may have them: JSON, blanks, bytes that are no text, a carriage return.
OWN = (b'{"id": 1}', b" two blanks ", b"\xff\xfe\x00bin", b"four\r", b"five5", b"six66", b"seven")
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: mine}
spec:
  completions: 5
  template: {spec: {containers: [{name: a}]}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "items.txt"
    made.write_bytes(b"\n".join(OWN))
    return made


def scenario(name: str) -> Scenario:
    return find_scenario(name)


def part(name: str, pattern: str = "fine", **fields: Any) -> RunSpec:
    worker = WorkerUnderTest("x", pattern, **fields)
    station: Any = SimpleNamespace(pattern=PATTERNS.get(pattern))
    return RunSpec(worker, "x", scenario(name), station, Calibration())


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_is_an_item_byte_for_byte(file: Path, end: bytes) -> None:
    file.write_bytes(file.read_bytes() + end)
    assert parse_items(str(file)) == Items(own=OWN)


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
def test_every_scenario_takes_the_first_ones_as_they_are(pattern: str) -> None:
    """But for what it must make itself: odd, equal and failing items."""
    taken = set()
    for name, one in playable_scenarios(pattern, "extended").items():
        made = part(name, pattern, items=Items(own=OWN))
        items = items_for(made)
        if one.payloads is not None:
            assert not {*items} & {*OWN}
            assert makes_its_own_items(made.worker, one)
            continue
        assert not makes_its_own_items(made.worker, one)
        wanted = one.items or len(OWN)
        if one.adds and pattern == "fine":  # one after the other, for as long as it takes
            wanted = len(OWN)
        assert len(items) == wanted
        made_for_it = [at for at, item in enumerate(items) if item != OWN[at]]
        assert made_for_it == ([min(1, len(items) - 2)] if one.failing else []), name
        taken.add(name)
    assert {"fault_free", "killed_in_work", "failing_item", "neighbour"} <= taken


def test_coarse_has_a_completion_for_each(file: Path) -> None:
    one = part("fault_free", "coarse", items=parse_items(str(file)))
    assert job_manifest(one, len(items_for(one)))["spec"]["completions"] == len(OWN)


def test_the_neighbour_has_the_next_ones() -> None:
    one = part("neighbour", items=Items(own=OWN))
    items = items_for(one)
    neighbours = [to_bytes(it) for it in header_for(one, items).neighbours]  # type: ignore[arg-type]  # none is that long
    assert (items, neighbours) == (OWN[:3], [*OWN[3:6]])
    assert header_for(one, items).unique_items


@pytest.mark.parametrize(
    ("name", "count"), [("neighbour", 5), ("many_items", 5), ("killed_in_work", 3)]
)
def test_where_there_are_too_few_others_are_used(name: str, count: int) -> None:
    """All of them: no run has items of two kinds."""
    one = part(name, items=Items(own=OWN[:count]))
    items = items_for(one)
    assert makes_its_own_items(one.worker, one.scenario)
    assert len(items) == one.scenario.items
    assert not {*items} & {*OWN}
    if name == "neighbour":
        assert len(header_for(one, items).neighbours) == len(items)


def test_what_makes_the_worker_fail_is_in_no_other_run() -> None:
    own = Items(own=OWN)
    assert OWN[1] not in items_for(part("fault_free", items=own, failing_item=OWN[1]))
    failing = items_for(part("failing_item", items=own, failing_item=OWN[1]))
    assert failing == (OWN[0], OWN[1], OWN[3])
    with pytest.raises(UsageError, match="every item of --items is the failing item"):
        WorkerUnderTest("x", "fine", items=Items(own=OWN[:1]), failing_item=OWN[0]).check()


def test_a_number_is_for_those_that_need_no_certain_one() -> None:
    many = parse_items("20")
    assert many == Items(count=20)
    assert len(items_for(part("fault_free", items=many))) == 20
    assert len({*items_for(part("fault_free", items=many))}) == 20
    assert len(items_for(part("killed_in_work", items=many))) == 4
    assert not makes_its_own_items(
        WorkerUnderTest("x", "fine", items=many), scenario("odd_payloads")
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["line 1 has 0 bytes"]),
        (b"apple\n\nbanana", ["line 2 has 0 bytes", "4 to 65536"]),
        (b"apple\n123\n", ["line 2 has 3 bytes"]),
        (b"x" * 65537, ["line 1 has 65537 bytes"]),
        (b"apple\nother\napple", ["line 3 is as line 1"]),
        (b"apple\n apple", ["line 2 is as line 1"]),
        (b"\n".join(b"%05d" % n for n in range(MOST + 1)), [f"it has {MOST + 1} lines"]),
    ],
)
def test_lines_that_do_not_do_are_named_and_not_told(
    file: Path, data: bytes, words: list[str]
) -> None:
    file.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        parse_items(str(file))
    for word in [str(file), *words]:
        assert word in str(caught.value)
    assert "apple" not in str(caught.value)


@pytest.mark.parametrize("text", ["0", str(MOST + 1), "no/such/file", "-1", "1.5"])
def test_neither_a_number_nor_a_file_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"a number, or a file|1 to"):
        parse_items(text)


@pytest.mark.parametrize(
    ("items", "pattern", "code"),
    [("5", "coarse", 0), ("4", "coarse", 4), ("6", "coarse", 4), ("4", "fine", 0)],
)
def test_the_users_own_job_has_to_be_for_as_many(
    pytester: pytest.Pytester, items: str, pattern: str, code: int
) -> None:
    job = pytester.path / "job.yaml"
    job.write_text(JOB)
    words = [f"--queuejob-pattern={pattern}", f"--queuejob-items={items}"]
    result = pytester.runpytest_subprocess(
        "--queuejob-image=x", f"--queuejob-job={job}", *words, "--collect-only"
    )
    assert result.ret in ((4,) if code else (0, 5, 6))
    assert ("completions are 5, and there are" in result.stderr.str()) == bool(code)


def test_of_more_items_than_completions_the_first_are_taken(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(JOB)
    one = part("killed_in_work", "coarse", items=Items(own=OWN), job=job)
    one.worker.check_job({"spec": {"completions": 5}})
    assert items_for(one) == OWN[:5]
    with pytest.raises(UsageError, match="an item for each completion"):
        one.worker.check_job({"spec": {"completions": 8}})


@pytest.mark.parametrize(("at_once", "rounds"), [("", 5), ("  parallelism: 5\n", 1)])
def test_the_time_for_the_users_own_job_is_for_its_own_shape(
    tmp_path: Path, at_once: str, rounds: int
) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(JOB.replace("spec:\n", f"spec:\n{at_once}", 1))
    learned = Calibration(Figures(work=30.0, pod_start=20.0))
    one = replace(
        part("killed_after_ack", "coarse", items=Items(own=OWN), job=job), calibration=learned
    )
    reclaim, end = (getattr(header_for(one, OWN[:5]).bounds, name) for name in ("reclaim", "end"))
    assert end - reclaim == pytest.approx(rounds * (30 + 20) + 20)


def test_a_wrong_file_ends_with_code_4(pytester: pytest.Pytester) -> None:
    words = ["--queuejob-image=x", "--queuejob-pattern=fine", "--queuejob-items=none.txt"]
    result = pytester.runpytest_subprocess(*words)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*none.txt cannot be read*"])


def test_who_has_items_of_its_own_says_so(tmp_path: Path) -> None:
    """While it is played, and in the report."""
    worker = WorkerUnderTest("x", "fine", items=Items(own=OWN))
    told: list[News] = []

    def nowhere() -> Any:
        raise InfrastructureError("there is no cluster")

    Calibration().save(_folder(tmp_path / "fault_free") / "learned.json")
    campaign = Campaign(
        worker, "x", nowhere, tmp_path, notify=lambda _: None, on_progress=told.append
    )
    for name in ("odd_payloads", "killed_in_work"):
        with pytest.raises(InfrastructureError, match="no cluster"):
            campaign.judged(name)
    said = {one.scenario: one.says for one in told if isinstance(one, ScenarioStarted)}
    rows = {one.name: one.says for one in planned_runs(tmp_path, worker, "extended")}
    for name, its_own in (("odd_payloads", True), ("killed_in_work", False)):
        assert ("not with those that were given" in said[name]) is its_own
        assert rows[scenario(name).name] == said[name]
    plain = planned_runs(tmp_path, WorkerUnderTest("x", "fine"), "extended")
    assert not any("were given" in one.says for one in plain)


def _folder(path: Path) -> Path:
    path.mkdir()
    (path / "over").touch()
    return path


def test_the_gate_tests_anew_when_the_items_have_changed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []

    def remember(_: Gate, asked: Asked, __: Path | None) -> int:
        keys.append(asked.key(Harness(version="1")))
        return 6

    monkeypatch.setattr(Gate, "run", remember)
    monkeypatch.setattr("harness.cli.gate.command._digest", lambda _: "d")
    words = ["gate", "--image=x", "--pattern=fine", "--", f"--items={file}"]
    assert main(words) == main(words) == 6
    file.write_bytes(b"others\nand more")
    assert main(words) == 6
    assert keys[0] == keys[1] != keys[2]
