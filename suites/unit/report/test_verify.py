"""`queuejob verify`: whatever was changed in a report, or beside it, is found and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness import __version__
from harness.checks.levels import Level
from harness.checks.plan import Asked
from harness.cli.main import main
from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED
from harness.report import formats, store
from harness.report.build import build
from harness.report.canonical import decode, digest, encode, required_digest, sealed
from harness.report.model import Report, Result
from harness.report.verify import verify
from harness.suites.unit.dsl.history import good_fine
from harness.suites.unit.dsl.reports import PROVES, bad, cases, good, known, run

HISTORY = "core/fine/fault-free/history.ndjson"


def ask(pattern: str, level: Level) -> Asked:
    """As if there were one scenario."""
    assert (pattern, level) == ("fine", "core")
    return Asked([one.id for one in cases("fault-free")], {"fault-free": PROVES})


def changed(report: Report, **fields: Any) -> Report:
    return sealed(msgspec.structs.replace(report, **fields))


def test_a_report_agrees_with_its_histories(tmp_path: Path) -> None:
    assert verify(good(tmp_path), tmp_path, ask) == []
    assert verify(bad(tmp_path), tmp_path, ask) == []


def test_it_is_read_back_as_it_was(tmp_path: Path) -> None:
    report = bad(tmp_path)
    assert decode(encode(report)) == report


@pytest.mark.parametrize("place", [0, 400, -2])
def test_a_changed_byte_in_a_history(tmp_path: Path, place: int) -> None:
    report, file = good(tmp_path), tmp_path / HISTORY
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    assert any(line.startswith(f"{HISTORY}: this artifact was changed") for line in said(report))


def said(report: Report, folder: Path | None = None) -> list[str]:
    return verify(report, folder or FOLDER[0], ask)


#: Where the report of the running test is.
FOLDER: list[Path] = []


@pytest.fixture(autouse=True)
def here(tmp_path: Path) -> None:
    FOLDER[:] = [tmp_path]


def test_a_changed_history_with_its_digest_made_to_fit(tmp_path: Path) -> None:
    """What the history says now is not what the report says, whoever sealed it."""
    report, file = good(tmp_path), tmp_path / HISTORY
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(one for one in lines if b"item_settled" not in one))
    artifact = msgspec.structs.replace(report.artifacts[0], sha256=digest(file.read_bytes()))
    lines_ = said(changed(report, artifacts=(artifact,)))
    assert "S1 in fault-free: the report says pass, the history fail" in lines_


def test_a_missing_history(tmp_path: Path) -> None:
    report = good(tmp_path)
    (tmp_path / HISTORY).unlink()
    lines = said(report)
    assert f"{HISTORY}: this artifact is missing" in lines
    assert "S1 in fault-free: no history shows it" in lines


def test_an_artifact_outside_of_the_folder(tmp_path: Path) -> None:
    report = good(tmp_path / "here")
    path = "../other"
    (tmp_path / "other").write_bytes((tmp_path / "here" / HISTORY).read_bytes())
    artifact = msgspec.structs.replace(report.artifacts[0], path=path)
    row = msgspec.structs.replace(report.scenarios[0], history=path)
    forged = changed(report, artifacts=(artifact,), scenarios=(row,))
    assert f"{path}: this artifact is missing" in said(forged, tmp_path / "here")


def test_an_edited_field(tmp_path: Path) -> None:
    report = msgspec.structs.replace(good(tmp_path), report_id="r-2")
    assert said(report)[0].startswith("the report was changed")


def test_a_removed_test(tmp_path: Path) -> None:
    """Also when all the numbers are made to fit."""
    report = good(tmp_path)
    fewer = report.tests[1:]
    assert "the tests are not those" in "\n".join(said(changed(report, tests=fewer)))
    ids = required_digest(one.id for one in fewer)
    suite = msgspec.structs.replace(report.suite, expected=2, required_tests_digest=ids)
    version = msgspec.structs.replace(report.harness, version=__version__)
    lines = said(changed(report, tests=fewer, suite=suite, harness=version))
    assert "core/fault-free-S1: this test is missing" in lines


def test_an_edited_verdict(tmp_path: Path) -> None:
    """Of all places where it stands, none that is edited goes unnoticed."""
    report = bad(tmp_path)
    rows = tuple(msgspec.structs.replace(one, verdict="pass") for one in report.invariants)
    tests = tuple(msgspec.structs.replace(one, outcome="passed") for one in report.tests)
    summary = dict.fromkeys(report.summary, "pass")
    green = {"result": Result.CONFORMANT, "exit_code": 0}
    for fields, line in (
        ({"invariants": rows}, "S1 in fault-free: the report says pass, the history fail"),
        ({"tests": tests}, "core/fault-free-S1: it was passed, which its history does not"),
        ({"summary": summary}, "summary: this does not follow"),
        (green, "result: this does not follow"),
        ({**green, "tests": tests, "invariants": rows, "summary": summary}, "S1 in fault-free"),
        ({"headline": "conformant"}, "headline: this does not follow"),
    ):
        assert line in "\n".join(said(changed(report, **fields))), line


def test_an_edited_story(tmp_path: Path) -> None:
    report = bad(tmp_path)
    row = msgspec.structs.replace(report.invariants[0], lost=())
    lines = said(changed(report, invariants=(row, *report.invariants[1:])))
    assert "S1 in fault-free: this is not what the history says: lost" in lines


def test_a_fault_that_was_edited(tmp_path: Path) -> None:
    tale = good_fine(faults=("kill",))
    tale.drop(type(tale.events[-1].what))
    tale.harmed(9.5, "kill", "a")
    tale.over(10)
    report = build(known(), cases("fault-free"), [run(tmp_path, "fault-free", tale)], tmp_path)
    assert report.faults[0].confirmed
    fault = msgspec.structs.replace(report.faults[0], target="nobody")
    assert any(
        "the fault kill in fault-free" in one for one in said(changed(report, faults=(fault,)))
    )


@pytest.mark.parametrize(
    ("make", "code"), [(good, EXIT_OK), (bad, EXIT_VIOLATED)], ids=["good", "bad"]
)
def test_the_command_ends_as_the_report_does(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], Report],
    code: int,
) -> None:
    monkeypatch.setattr(store, "asked", ask)
    formats.write(make(tmp_path), tmp_path)
    assert main(["verify", str(tmp_path / "report.json")]) == code
    assert "all of it agrees" in capsys.readouterr().out
    assert main(["report", str(tmp_path)]) == EXIT_OK
    (tmp_path / HISTORY).write_bytes(b"")
    assert main(["verify", str(tmp_path)]) == EXIT_NOT_PROVED
    (tmp_path / "report.json").write_bytes(b"{}")
    assert main(["verify", str(tmp_path)]) == EXIT_NOT_PROVED
    assert main(["report", str(tmp_path)]) == EXIT_NOT_PROVED
