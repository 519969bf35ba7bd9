"""`junit.xml`: one test case per test; failures and errors are real, skips have a reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from harness.report.formats import Format
from harness.report.model import Case, OutcomeWord, Report
from harness.report.shared_text import escape, reason_text

#: The element for each outcome; a passed test has none.
_ELEMENTS: Mapping[OutcomeWord, str] = {
    "failed": "failure",
    "unproved": "error",
    "errored": "error",
    "accepted": "skipped",
    "skipped": "skipped",
    "notRun": "skipped",
}


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Write the XML of the schema of Jenkins' xUnit plugin, which other readers follow."""
    root = ElementTree.Element(
        "testsuites", _counts(report, ("name", "tests", "failures", "errors"))
    )
    suite = ElementTree.SubElement(root, "testsuite", _counts(report))
    suite.set("timestamp", report.started_at[:19])
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report):
        ElementTree.SubElement(properties, "property", {"name": name, "value": escape(value)})
    for test in report.tests:
        suite.append(_case(report, test))
    ElementTree.SubElement(suite, "system-out").text = escape(report.headline)
    ElementTree.indent(root)
    return {"junit.xml": ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n"}


def _counts(report: Report, names: tuple[str, ...] = ()) -> dict[str, str]:
    elements = [_ELEMENTS.get(entry.outcome, "") for entry in report.tests]
    counts = {
        "name": f"queuejob {' '.join(entry.name for entry in report.profiles)}",
        "tests": str(len(elements)),
        "failures": str(elements.count("failure")),
        "errors": str(elements.count("error")),
        "skipped": str(elements.count("skipped")),
        "time": f"{sum(entry.duration for entry in report.tests):.3f}",
    }
    return {name: value for name, value in counts.items() if not names or name in names}


def _properties(report: Report) -> list[tuple[str, str]]:
    image = report.implementation.image
    return [
        ("result", report.result.value),
        ("headline", report.headline),
        ("image", image.ref),
        ("digest", image.digest),
        ("report", report.report_id),
        ("reportDigest", report.report_digest),
        ("reproduce", report.reproduce.command),
    ]


def _case(report: Report, test: Case) -> ElementTree.Element:
    case = ElementTree.Element("testcase", {"name": test.id, "time": f"{test.duration:.3f}"})
    case.set("classname", f"queuejob.{test.level}.{test.scenario}")
    kind = _ELEMENTS.get(test.outcome)
    if kind is None:
        return case
    text = escape(reason_text(report, test) or f"{test.id} was {test.outcome}")
    # Some readers show only the message of a skipped test.
    message = f"{test.outcome}: {text.splitlines()[0]}" if text.strip() else test.outcome
    element = ElementTree.SubElement(case, kind, {"message": message})
    if kind != "skipped":
        element.set("type", f"queuejob.{test.outcome}")
    element.text = text
    return case


FORMAT = Format(("junit.xml",), render)
