"""A folder with histories, and the report of it, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.report.build import SessionFacts, build
from harness.report.model import Case, Harness, Image, Implementation, Report
from harness.report.rows import PlannedRun
from harness.suites.unit.dsl.history import Tale, good_fine

PROVES = ("S1", "S2", "L2")


def save(tale: Tale, path: Path) -> None:
    """Write a history as a run would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [msgspec.json.encode(one) for one in (tale.header, *tale.events)]
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def run(folder: Path, name: str, tale: Tale | None, **fields: Any) -> PlannedRun:
    """A scenario with this history, or without any."""
    history = ""
    if tale is not None:
        history = f"core/{tale.header.pattern}/{name}/history.ndjson"
        tale.header = msgspec.structs.replace(tale.header, scenario=name)
        save(tale, folder / history)
    return PlannedRun(name=name, says="What it does.", proves=PROVES, history=history, **fields)


def cases(scenario: str, **outcomes: Any) -> list[Case]:
    """A test for each invariant, passed unless told otherwise."""
    return [
        Case(
            id=f"core/{scenario}-{name}",
            level="core",
            scenario=scenario,
            invariant=name,
            outcome=outcomes.get(name, "passed"),
            duration=1.5,
        )
        for name in PROVES
    ]


def known(**fields: Any) -> SessionFacts:
    made = {
        "report_id": "r-1",
        "started_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:04:00Z",
        "exit_code": 0,
        "pattern": "fine",
        "implementation": Implementation(
            image=Image(ref="my/worker:1", digest="sha256:" + "a" * 64, digest_kind="imageId")
        ),
        "harness": Harness(version="1.2"),
        "command": "queuejob check --pattern fine --image my/worker:1",
        **fields,
    }
    return SessionFacts(**made)


def good(folder: Path, **fields: Any) -> Report:
    """The report of a worker that keeps what it promises."""
    return build(
        known(**fields), cases("fault-free"), [run(folder, "fault-free", good_fine())], folder
    )


def bad_tale(item: Any = "banana", **fields: Any) -> Tale:
    """Somebody has done an item that was never enqueued, and the Job ends without the other."""
    tale = Tale("fine", **fields)
    tale.sent(item)
    tale.came(1, "a")
    tale.given(2, "a", item, until=12.0)
    tale.exited(9, "a")
    tale.job(9.5, "Complete", succeeded=1)
    tale.left(10, item, where="leased")
    tale.over(11)
    return tale


def bad(folder: Path, item: Any = "banana", **fields: Any) -> Report:
    """The report of a worker that breaks S1."""
    some = cases("fault-free", S1="failed", S2="unproved", L2="unproved")
    runs = [run(folder, "fault-free", bad_tale(item))]
    return build(known(exit_code=1, **fields), some, runs, folder)
