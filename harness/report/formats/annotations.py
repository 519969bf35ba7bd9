"""`annotations.txt`: a line per finding, which a CI shows in a prominent place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.checks.guarantees import command
from harness.report.formats import Format
from harness.report.model import Report
from harness.report.shared_text import escape

#: A CI shows at most this many for each step.
_MOST = 10


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Write workflow commands; a CI step prints the file."""
    findings = list(_findings(report))
    annotations = findings if len(findings) <= _MOST else findings[: _MOST - 1]
    if len(annotations) < len(findings):
        annotations.append(
            ("queuejob", f"and {len(findings) - len(annotations)} more: see the report")
        )
    lines = [f"::error title={_property(title)}::{_data(text)}\n" for title, text in annotations]
    return {"annotations.txt": "".join(lines).encode()}


def _findings(report: Report) -> Iterator[tuple[str, str]]:
    """Yield each broken invariant once, with all scenarios that show it.

    If no invariant is broken, yield the reason why the report is not green.
    """
    pending: dict[str, list[str]] = {}
    for row in report.invariants:
        if row.verdict == "fail":
            pending.setdefault(row.id, []).append(row.scenario)
    for row in report.invariants:
        scenarios = pending.pop(row.id, None) if row.verdict == "fail" else None
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
