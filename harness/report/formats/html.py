"""`index.html`: the page for people, with time lines and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.report.formats import Format
from harness.report.html import html
from harness.report.model import Report


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Write one file that needs no other."""
    return {"index.html": html(report, folder)}


FORMAT = Format(("index.html",), render)
