"""The formats of a report, one file each: a new file adds one. They compute nothing.

A module has `render(report, folder)`, which gives files by their paths in the report's folder.
`folder` is where the artifacts are, for a format that takes them in; it is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness import registry
from harness.report.model import Report

Render = Callable[[Report, Path], Mapping[str, bytes]]


def write(report: Report, folder: Path) -> list[Path]:
    """Write every format of the report into `folder`; the files, in order."""
    written = []
    for name in registry.names("formats"):
        render: Render = registry.lookup("formats", name, "render")
        for path, data in render(report, folder).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            written.append(file)
    return written
