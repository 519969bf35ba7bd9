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

#: Folder of the results, below the report's folder.
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
#: Largest history in bytes that each test gets a copy of: Allure shows a file with one test only.
#: A longer one is attached only to the first test of its scenario.
_MOST_COPIED = 1024 * 1024
_NAMES = uuid.UUID("5f2f3c0e-3d1c-4f4e-9d0b-0d9b6e0c7a11")


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Write the results in the format of Allure 2, and the histories that prove them."""
    files: dict[str, bytes] = {}
    copied_once: set[str] = set()
    for test in report.tests:
        entry = _result(report, test)
        for evidence in test.evidence:
            file = folder / evidence.artifact
            if evidence.artifact in copied_once or not file.is_file():
                continue
            if file.stat().st_size > _MOST_COPIED:
                copied_once.add(evidence.artifact)
            source = f"{entry['uuid']}-attachment{file.suffix}"
            files[f"{RESULTS}/{source}"] = file.read_bytes()
            kind = {"type": "application/x-ndjson", "source": source}
            entry["attachments"].append({"name": "history", **kind})
        files[f"{RESULTS}/{entry['uuid']}-result.json"] = _json(entry)
    files[f"{RESULTS}/environment.properties"] = _environment(report)
    return files


def _json(thing: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(thing), indent=2) + b"\n"


def _result(report: Report, test: Case) -> dict[str, Any]:
    start = _milliseconds(report, test)
    full_name = f"queuejob.{test.level}.{test.id}"
    reason = escape(reason_text(report, test))
    # Allure recognises the same test of different runs by this id.
    history = md5(full_name.encode(), usedforsecurity=False).hexdigest()
    return {
        "uuid": str(uuid.uuid5(_NAMES, f"{report.report_id} {full_name}")),
        "historyId": history,
        "testCaseId": history,
        "fullName": full_name,
        "name": f"{test.invariant} in {test.scenario}",
        "status": _STATUS[test.outcome],
        "statusDetails": {"message": reason} if test.outcome != "passed" else {},
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
    return [_step(line, row, start) for line in row.story]


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
        "parentSuite": ", ".join(profile.name for profile in report.profiles),
        "suite": test.level,
        "subSuite": test.scenario,
        "feature": test.invariant,
        "story": test.scenario,
    }
    return [{"name": name, "value": value} for name, value in labels.items()]


def _milliseconds(report: Report, test: Case) -> int:
    """Return when the scenario started, or else the session, in milliseconds."""
    starts = [
        scenario.started
        for scenario in report.scenarios
        if scenario.id == test.scenario and scenario.started
    ]
    return round(datetime.fromisoformat((starts or [report.started_at])[0]).timestamp() * 1000)


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
    # In a properties file each entry is one line, and `\` starts an escape.
    one_line = {name: " ".join(escape(value).split()) for name, value in values.items()}
    return "".join(
        f"{key}={text}\n".replace("\\", "\\\\") for key, text in one_line.items()
    ).encode()


FORMAT = Format((f"{RESULTS}/*",), render)
