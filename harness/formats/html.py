"""`index.html`: the page for people, with time lines and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.page import html
from harness.report.model import Report

FILES = ("index.html",)


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """One file that needs no other."""
    return {"index.html": html(report, folder)}
