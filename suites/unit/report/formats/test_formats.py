"""Each format says what the report says, and nothing that a worker has printed acts in any."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attr
import msgspec
import pytest
import xmlschema
import yaml
from allure_commons import model2
from junitparser import Error, Failure, JUnitXml, Skipped

from harness.history import payload
from harness.report import formats
from harness.report.build import build
from harness.report.formats import FORMATS
from harness.report.formats.annotations import render as annotated
from harness.report.formats.summary import LIMIT
from harness.report.formats.summary import render as summary
from harness.report.model import Case, Report
from harness.suites.unit.dsl.history import good_fine
from harness.suites.unit.dsl.reports import bad, bad_tale, cases, good, known, run

HERE = Path(__file__).parent
SCHEMA = xmlschema.XMLSchema(str(HERE / "junit.xsd"))
#: What a hostile worker prints, or is given.
HOSTILE = (
    b"<script>alert(1)</script>",
    b"]]>",
    b"\x1b[31mred\x1b]0;title\x07",
    b"x\n::error::forged\r\n::set-output name=a::b",
    b"%0A::error::forged",
    b"\xff\xfe\x00 not text",
    b"``` | [a](javascript:alert(1)) ![](x) <img src=x onerror=alert(1)> @everyone",
    "\u202eright to left \ufffe \x85".encode(),
)


def written(report: Report, folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in formats.write(report, folder)
    }


def of_each_outcome(folder: Path) -> Report:
    """One test that failed, one in error, one skipped with its reason."""
    some = cases("fault-free", S1="failed", S2="errored", L2="skipped")
    told = [msgspec.structs.replace(one, reason=f"why {one.invariant}\nmore") for one in some]
    runs = [run(folder, "fault-free", bad_tale())]
    return build(known(exit_code=1), told, runs, folder)


def test_every_format_has_what_it_needs() -> None:
    for each in FORMATS.all().values():
        assert each.files
        assert callable(each.render)


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    report = bad(tmp_path)
    assert written(report, tmp_path) == written(report, tmp_path)


def test_yaml_is_the_same_as_json(tmp_path: Path) -> None:
    files = written(bad(tmp_path), tmp_path)
    assert yaml.safe_load(files["report.yaml"]) == json.loads(files["report.json"])


def test_what_an_earlier_report_left_is_gone(tmp_path: Path) -> None:
    first = written(bad(tmp_path), tmp_path)
    second = written(good(tmp_path, report_id="r-2"), tmp_path)
    results = {path.name for path in (tmp_path / "allure-results").iterdir()}
    assert results == {Path(one).name for one in second if one.startswith("allure")}
    assert not {one for one in first if one.endswith("-result.json")} & {*second}


def test_junit(tmp_path: Path) -> None:
    """Valid, and real elements for what was not passed: a reason with each."""
    file = tmp_path / "junit.xml"
    written(of_each_outcome(tmp_path), tmp_path)
    SCHEMA.validate(str(file))
    suite = next(iter(JUnitXml.fromfile(str(file))))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (3, 1, 1, 1)
    kinds = {case.name: case.result[0] for case in suite}
    for name, kind, text in (
        ("core/fault-free-S1", Failure, "nobody has settled banana"),
        ("core/fault-free-S2", Error, "the worker does not say"),
        ("core/fault-free-L2", Skipped, "never was a worker"),
    ):
        assert isinstance(kinds[name], kind)
        assert text in kinds[name].message
    assert "9.50 s  the Job was Complete" in kinds["core/fault-free-S1"].text
    assert "queuejob explain S1" in kinds["core/fault-free-S1"].text


def test_allure(tmp_path: Path) -> None:
    """Its own model's fields; the story's events are the steps; the history is there."""
    files = written(of_each_outcome(tmp_path), tmp_path)
    known_fields = {one.name for one in attr.fields(model2.TestResult)}
    results = {
        one["fullName"]: one
        for name, data in files.items()
        if name.endswith("-result.json")
        for one in [json.loads(data)]
    }
    for one in results.values():
        assert {*one} <= known_fields
        for attached in one["attachments"]:
            assert f"allure-results/{attached['source']}" in files
    failed = results["queuejob.core.core/fault-free-S1"]
    assert failed["status"] == "failed"
    moments = [step["name"].split()[0] for step in failed["steps"]]
    assert moments == ["0.00", "2.00", "9.50", "10.00"]
    statuses = sorted(one["status"] for one in results.values())
    assert statuses == ["broken", "failed", "skipped"]


def test_annotations_once_for_each_finding(tmp_path: Path) -> None:
    tales = ("one", "two")
    runs = [run(tmp_path, name, bad_tale()) for name in tales]
    tests = [one for name in tales for one in cases(name, S1="failed")]
    lines = _annotations(build(known(exit_code=1), tests, runs, tmp_path))
    about = [line for line in lines if "S1 is broken" in line]
    assert len(about) == 1
    assert "(in one, two; queuejob explain S1)" in about[0]
    assert _annotations(good(tmp_path)) == []


def _annotations(report: Report) -> list[str]:
    return annotated(report, Path())["annotations.txt"].decode().splitlines()


def test_what_is_not_green_is_annotated(tmp_path: Path) -> None:
    some = cases("fault-free", S2="unproved")
    runs = [run(tmp_path, "fault-free", good_fine())]
    lines = _annotations(build(known(exit_code=6), some, runs, tmp_path))
    assert len(lines) == 1
    assert "NOT PROVED" in lines[0]


def test_the_summary_says_the_answer_first(tmp_path: Path) -> None:
    text = summary(bad(tmp_path), tmp_path)["summary.md"].decode()
    assert text.startswith("## NOT CONFORMANT: it breaks S1")
    assert "| S1 | ❌ fail | fault-free |" in text
    assert "9.50 s the Job was Complete" in text


def test_a_summary_that_is_too_long_is_cut_with_a_note(tmp_path: Path) -> None:
    report = bad(tmp_path)
    many = [
        msgspec.structs.replace(report.tests[1], id=f"core/x-{n}", invariant="X", reason="y" * 1000)
        for n in range(2000)
    ]
    many = [msgspec.structs.replace(one, reason=f"{one.id} {one.reason}") for one in many]
    data = summary(msgspec.structs.replace(report, tests=tuple(many)), tmp_path)["summary.md"]
    assert LIMIT - 10_000 < len(data) <= LIMIT
    assert data.endswith(b"the whole is in report.json.*\n")


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_output_is_text_everywhere(tmp_path: Path, words: bytes) -> None:
    """As an item, and as the reason of a test."""
    report = bad(tmp_path, item=payload(words))
    reason = words.decode("utf-8", "surrogateescape")
    tests = [_because(one, reason) for one in report.tests]
    runs = [run(tmp_path, "fault-free", bad_tale(payload(words)))]
    files = written(build(known(exit_code=1), tests, runs, tmp_path), tmp_path)
    SCHEMA.validate(str(tmp_path / "junit.xml"))
    JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert yaml.safe_load(files["report.yaml"]) == json.loads(files["report.json"])
    for name in ("junit.xml", "summary.md", "annotations.txt"):
        assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", files[name]), name
        assert b"<script" not in files[name].replace(b"&lt;script", b"") or name[0] == "a"
    commands = files["annotations.txt"].decode().splitlines()
    assert all(line.startswith("::error title=") for line in commands)
    assert len(commands) == len(report.summary) - 2
    markdown = files["summary.md"].decode()
    assert not re.search(r"(?<!\\)!\[|<(?!!--)|@everyone|(?<!\\)\]\(", markdown)


def _because(test: Case, reason: str) -> Case:
    return msgspec.structs.replace(test, reason=reason, evidence=())


def test_no_credentials_are_written(tmp_path: Path) -> None:
    url = "amqp://guest:hunter2@rabbitmq-service:5672"
    said = f"cannot reach {url} with password=hunter2"
    tests = [_because(one, said) for one in cases("fault-free", S1="errored")]
    runs = [run(tmp_path, "fault-free", bad_tale(f"get {url}"), error=said)]
    made = build(known(exit_code=6, command=f"queuejob --env A={url}"), tests, runs, tmp_path)
    # The history is what it is; all that is made of it is without.
    made_of_it = {k: v for k, v in written(made, tmp_path).items() if "attachment" not in k}
    assert not [name for name, data in made_of_it.items() if b"hunter2" in data]
    assert b"rabbitmq-service:5672" in made_of_it["report.json"]
