"""`allure-results/`: a result for each test; its steps are the events of the story."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from hashlib import md5
from pathlib import Path
from typing import Any

import msgspec

from harness.report.formats import Format
from harness.report.model import Case, InvariantRow, OutcomeWord, Report, StoryLine
from harness.report.shared_text import escape, reason_text, rows_of

#: Where they are, below the report's folder.
RESULTS = "allure-results"
_STATUS: Mapping[OutcomeWord, str] = {
    "passed": "passed",
    "failed": "failed",
    "unproved": "broken",
    "errored": "broken",
    "accepted": "skipped",
    "skipped": "skipped",
    "notRun": "skipped",
}
#: Bytes of a history of which each test has a copy, for Allure shows a file with one test only; a
#: longer one is with the first test of its scenario.
_MOST_COPIED = 1024 * 1024
_NAMES = uuid.UUID("5f2f3c0e-3d1c-4f4e-9d0b-0d9b6e0c7a11")


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Results as Allure 2 has them, and the histories that they are shown by."""
    files: dict[str, bytes] = {}
    long: set[str] = set()
    for test in report.tests:
        made = _result(report, test)
        for one in test.evidence:
            file = folder / one.artifact
            if one.artifact in long or not file.is_file():
                continue
            if file.stat().st_size > _MOST_COPIED:
                long.add(one.artifact)
            source = f"{made['uuid']}-attachment{file.suffix}"
            files[f"{RESULTS}/{source}"] = file.read_bytes()
            kind = {"type": "application/x-ndjson", "source": source}
            made["attachments"].append({"name": "history", **kind})
        files[f"{RESULTS}/{made['uuid']}-result.json"] = _json(made)
    files[f"{RESULTS}/environment.properties"] = _environment(report)
    return files


def _json(thing: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(thing), indent=2) + b"\n"


def _result(report: Report, test: Case) -> dict[str, Any]:
    start = _milliseconds(report, test)
    full = f"queuejob.{test.level}.{test.id}"
    why = escape(reason_text(report, test))
    # The same test is known by this from one run to the next.
    history = md5(full.encode(), usedforsecurity=False).hexdigest()
    return {
        "uuid": str(uuid.uuid5(_NAMES, f"{report.report_id} {full}")),
        "historyId": history,
        "testCaseId": history,
        "fullName": full,
        "name": f"{test.invariant} in {test.scenario}",
        "status": _STATUS[test.outcome],
        "statusDetails": {"message": why} if test.outcome != "passed" else {},
        "stage": "finished",
        "start": start,
        "stop": start + round(test.duration * 1000),
        "labels": _labels(report, test),
        "links": [],
        "parameters": [
            {"name": "scenario", "value": test.scenario},
            {"name": "image", "value": escape(report.implementation.image.ref)},
        ],
        "steps": [step for row in rows_of(report, test) for step in _steps(row, start)],
        "attachments": [],
    }


def _steps(row: InvariantRow, start: int) -> list[dict[str, Any]]:
    return [_step(one, row, start) for one in row.story]


def _step(told: StoryLine, row: InvariantRow, start: int) -> dict[str, Any]:
    moment = start + round(told.at * 1000)
    return {
        "name": escape(f"{told.at:.2f} s  {told.text}"),
        "status": "failed" if row.verdict == "fail" else "passed",
        "stage": "finished",
        "start": moment,
        "stop": moment,
        "steps": [],
        "attachments": [],
        "parameters": [],
    }


def _labels(report: Report, test: Case) -> list[dict[str, str]]:
    labels = {
        "framework": "queuejob",
        "language": "python",
        "parentSuite": ", ".join(one.name for one in report.profiles),
        "suite": test.level,
        "subSuite": test.scenario,
        "feature": test.invariant,
        "story": test.scenario,
    }
    return [{"name": name, "value": value} for name, value in labels.items()]


def _milliseconds(report: Report, test: Case) -> int:
    """When the scenario began, else the session."""
    began = [one.started for one in report.scenarios if one.id == test.scenario and one.started]
    return round(datetime.fromisoformat((began or [report.started_at])[0]).timestamp() * 1000)


def _environment(report: Report) -> bytes:
    image = report.implementation.image
    values = {
        "image": image.ref,
        "digest": image.digest,
        "result": report.result.value,
        "queuejob": report.harness.version,
        "kubernetes": report.environment.kubernetes,
        "reportDigest": report.report_digest,
    }
    # A properties file: a line for each, and `\` begins an escape.
    flat = {name: " ".join(escape(one).split()) for name, one in values.items()}
    return "".join(f"{k}={v}\n".replace("\\", "\\\\") for k, v in flat.items()).encode()


FORMAT = Format((f"{RESULTS}/*",), render)
