"""`annotations.txt`: a line for each finding, which a CI shows where its user looks first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.checks.guarantees import command
from harness.report.formats import Format
from harness.report.model import Report
from harness.report.shared_text import escape

#: A CI shows no more of them for each step.
_MOST = 10


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Workflow commands: print the file in a step."""
    found = list(_findings(report))
    told = found if len(found) <= _MOST else found[: _MOST - 1]
    if len(told) < len(found):
        told.append(("queuejob", f"and {len(found) - len(told)} more: see the report"))
    lines = [f"::error title={_property(title)}::{_data(text)}\n" for title, text in told]
    return {"annotations.txt": "".join(lines).encode()}


def _findings(report: Report) -> Iterator[tuple[str, str]]:
    """Each invariant that is broken once, however many scenarios show it; else why not green."""
    seen: dict[str, list[str]] = {}
    for row in report.invariants:
        if row.verdict == "fail":
            seen.setdefault(row.id, []).append(row.scenario)
    for row in report.invariants:
        scenarios = seen.pop(row.id, None) if row.verdict == "fail" else None
        if scenarios is not None:
            yield (
                f"{row.id} is broken",
                f"{row.reason} (in {', '.join(scenarios)}; {command(row.id)})",
            )
    if report.exit_code != 0 and report.result != "nonconformant":
        yield f"queuejob: {report.result.value}", report.headline


def _data(text: str) -> str:
    return escape(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMAT = Format(("annotations.txt",), render)
