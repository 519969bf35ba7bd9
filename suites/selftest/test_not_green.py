"""What proved nothing is not green: neither the exit code nor the report says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from histories import good_fine
from reports import cases, good, known, run

from harness.errors import InfrastructureError
from harness.history import Figures
from harness.report.build import build
from harness.report.model import Broker, Environment, Image, Implementation, Report, Result
from harness.report.result import exit_code, result
from harness.surroundings import Surroundings, leave

#: A suite of a profile, with its scenario played already or not; `BODY` is that of its test.
SUITE = """
import pytest
from harness.errors import InfrastructureError, NotProved
from harness.fixtures.gathered import expect

IDS = ["S1", "S2", "L2"]

def pytest_generate_tests(metafunc):
    expect(metafunc.config, "core", [f"fault-free-{one}" for one in IDS])
    metafunc.parametrize("invariant", [pytest.param(one, id=f"fault-free-{one}") for one in IDS])

@pytest.fixture
def cluster_():
    FIXTURE

@pytest.mark.queuejob_profile
def test_core(cluster_, invariant, record_property):
    BODY
    record_property("queuejob_findings", ["fault-free", invariant, "pass"])
"""


def test_it_is_green_where_all_was_proved(tmp_path: Path) -> None:
    report = good(tmp_path)
    assert (report.result, report.profiles[0].core and report.profiles[0].core.result) == (
        Result.CONFORMANT,
        "success",
    )


def test_what_was_accepted_stands_in_the_headline(tmp_path: Path) -> None:
    """It is green, for its user has said so; but it is no success."""
    runs = [run(tmp_path, "fault-free", good_fine(figures=Figures()))]
    some = cases("fault-free", L2="accepted")
    report = build(known(accepted=("L2",), timeout_factor=3), some, runs, tmp_path)
    assert report.result is Result.CONFORMANT
    assert "every bound was multiplied by 3" in report.headline
    assert "L2 need not have been proved" in report.headline
    core = report.profiles[0].core
    assert core is not None
    assert core.result == "partial"


def of(folder: Path, code: int, outcomes: Mapping[str, str]) -> Report:
    runs = [run(folder, "fault-free", good_fine())]
    return build(known(exit_code=code), cases("fault-free", **outcomes), runs, folder)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"S1": "notRun"}, Result.INVALID),
        (dict.fromkeys(("S1", "S2", "L2"), "notRun"), Result.INVALID),
        (dict.fromkeys(("S1", "S2", "L2"), "skipped"), Result.INVALID),
        (dict.fromkeys(("S1", "S2", "L2"), "errored"), Result.INVALID),
        ({"S1": "skipped"}, Result.UNPROVED),
        ({"S1": "errored"}, Result.UNPROVED),
        ({"S1": "unproved"}, Result.UNPROVED),
    ],
)
def test_results(tmp_path: Path, outcomes: dict[str, str], expected: Result) -> None:
    report = of(tmp_path, 6, outcomes)
    assert report.result is expected
    core = report.profiles[0].core
    assert core is not None
    assert core.result == "partial"
    # Whatever a session might say of itself.
    assert of(tmp_path, 0, outcomes).result is not Result.CONFORMANT


def test_no_test_at_all(tmp_path: Path) -> None:
    report = build(known(), [], [], tmp_path)
    assert report.result is Result.INVALID
    assert result(0, []) is Result.INVALID


def test_a_fault_that_never_landed_makes_its_tests_errored(tmp_path: Path) -> None:
    runs = [run(tmp_path, "fault-free", good_fine(faults=("kill",)))]
    some = cases("fault-free", S1="unproved", S2="unproved", L2="unproved")
    report = build(known(exit_code=6), some, runs, tmp_path)
    assert {one.outcome for one in report.tests} == {"errored"}
    assert "the fault kill was not seen to land" in report.tests[0].reason
    assert [(one.kind, one.at, one.confirmed) for one in report.faults] == [("kill", None, False)]
    assert report.result is Result.INVALID
    assert {one.verdict for one in report.invariants} == {"unknown"}


def test_a_failure_without_a_finding_accuses_nobody(tmp_path: Path) -> None:
    """Code 1, for a test has failed; but no verdict says so."""
    assert of(tmp_path, 1, {"S1": "errored"}).result is Result.INVALID


@pytest.mark.parametrize(
    ("code", "outcomes", "words"),
    [
        (6, {"S1": "notRun"}, "INVALID: 1 of 3 tests of the profile were not run"),
        (6, dict.fromkeys(("S1", "S2", "L2"), "errored"), "INVALID: no test came to a verdict"),
        (0, {"S1": "errored"}, "INVALID: the session ended with 0"),
        (1, {"S1": "errored"}, "INVALID: the session ended with 1, and no guarantee"),
        (3, {}, "INVALID: the session was broken off with exit code 3"),
    ],
)
def test_why_it_is_invalid(tmp_path: Path, code: int, outcomes: dict[str, str], words: str) -> None:
    assert of(tmp_path, code, outcomes).headline.startswith(words)


def test_a_run_without_a_history_has_rows(tmp_path: Path) -> None:
    """Each invariant that it was to prove, with the error; and the error leads the answer."""
    error = "no worker gets to run: the Job is suspended\n  expected: something else"
    runs = [run(tmp_path, "fault-free", None, error=error)]
    some = cases("fault-free", S1="errored", S2="errored", L2="errored")
    report = build(known(exit_code=6), some, runs, tmp_path)
    assert [(one.id, one.verdict, one.required) for one in report.invariants] == [
        ("S1", "unknown", True),
        ("S2", "unknown", True),
        ("L2", "unknown", True),
    ]
    reasons = {one.reason for one in report.invariants}
    assert reasons == {"no worker gets to run: the Job is suspended"}
    assert report.summary == dict.fromkeys(("S1", "S2", "L2"), "unknown")
    assert report.headline.startswith(
        "INVALID: fault-free did not come to its end: no worker gets to run: the Job is suspended;"
    )


def test_a_scenario_that_was_never_played_has_no_rows(tmp_path: Path) -> None:
    runs = [run(tmp_path, "fault-free", None)]
    some = cases("fault-free", S1="notRun", S2="notRun", L2="notRun")
    assert build(known(exit_code=6), some, runs, tmp_path).invariants == ()


@pytest.mark.parametrize(
    ("session", "error", "broken", "whole", "code"),
    [
        (0, 0, False, True, 0),
        (0, 0, False, False, 6),
        (5, 0, False, False, 6),
        (1, 0, True, True, 1),
        (1, 0, True, False, 1),
        (1, 6, False, True, 6),
        (1, 4, False, True, 4),
        (1, 6, True, True, 1),
        (2, 0, False, False, 2),
        (2, 6, False, False, 6),
        (3, 0, False, False, 3),
    ],
)
def test_exit_codes(session: int, error: int, broken: bool, whole: bool, code: int) -> None:
    assert exit_code(session, error=error, broken=broken, whole=whole) == code


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("QUEUEJOB_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("fixture", "body", "options", "code"),
    [
        ("return", "pass", ["-k", "S1"], 6),
        ("return", "pass", ["-n1", "-k", "S1"], 6),
        ("return", "pytest.skip('not here')", [], 6),
        ("raise InfrastructureError('no cluster')", "pass", [], 6),
        ("return", "raise NotProved('not seen to land: kill')", [], 6),
        ("return", "raise KeyError('a mistake of ours')", [], 6),
        ("return", "import os; os._exit(9)", ["-n1", "--max-worker-restart=0"], 6),
    ],
    ids=[
        "deselected",
        "deselected by xdist's",
        "all skipped",
        "no cluster",
        "no fault",
        "a mistake of the harness",
        "a process that died",
    ],
)
def test_a_session_that_proved_nothing(
    pytester: pytest.Pytester, fixture: str, body: str, options: list[str], code: int
) -> None:
    """The exit code and the report agree; the report is there, and is not green."""
    text = SUITE.replace("FIXTURE", fixture).replace("BODY", body)
    pytester.makepyfile(test_them=text)
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine"]
    done = pytester.runpytest_subprocess(*worker, *options)
    assert done.ret == code
    report = json.loads((pytester.path / "queuejob-out" / "report.json").read_text())
    assert report["exitCode"] == code
    assert report["result"] in ("invalid", "unproved")
    assert "conformant:" not in done.stdout.str()
    assert (pytester.path / "queuejob-out" / "junit.xml").exists()


def test_a_report_of_another_run_is_not_left(pytester: pytest.Pytester) -> None:
    """Whoever is killed leaves none, rather than the green one of before."""
    old = pytester.path / "queuejob-out" / "report.json"
    old.parent.mkdir()
    old.write_text("{}")
    text = SUITE.replace("FIXTURE", "return").replace("BODY", "import os; os._exit(9)")
    pytester.makepyfile(test_them=text)
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine"]
    assert pytester.runpytest_subprocess(*worker).ret == 9
    assert not old.exists()


def test_the_wrong_image_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that becomes another one while it is tested."""
    first = Implementation(image=Image(ref="x", digest="sha256:1", digest_kind="imageId"))
    file = tmp_path / "surroundings.json"
    monkeypatch.setattr("harness.surroundings.implementation", lambda *_: first)
    monkeypatch.setattr("harness.surroundings.manifests_of", lambda _: ())
    monkeypatch.setattr("harness.surroundings._environment", lambda *_: Environment())
    monkeypatch.setattr("harness.surroundings._broker", lambda *_: Broker(kind="redis"))
    stub: Any = Stub()
    leave(stub, stub, stub, "x", file)
    leave(stub, stub, stub, "x", file)
    assert Surroundings.load(file).implementation == first
    second = Implementation(image=Image(ref="x", digest="sha256:2", digest_kind="imageId"))
    monkeypatch.setattr("harness.surroundings.implementation", lambda *_: second)
    with pytest.raises(InfrastructureError, match="another image"):
        leave(stub, stub, stub, "x", file)


class Stub:
    """Stands for what is not asked."""

    docker, image, pattern = None, "x", "fine"
