"""`report.json`: the model without changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.report.canonical import encode
from harness.report.formats import Format
from harness.report.model import Report


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Write the report, indented."""
    return {"report.json": encode(report)}


FORMAT = Format(("report.json",), render)
