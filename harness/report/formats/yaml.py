"""`report.yaml`: the model, for people who read YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.report.formats import Format
from harness.report.model import Report


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Write the same names and values as `report.json`."""
    return {"report.yaml": msgspec.yaml.encode(report)}


FORMAT = Format(("report.yaml",), render)
