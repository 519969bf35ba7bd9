"""The formats of a report, one file each: a new file adds one. They compute nothing.

A module has `FILES`, patterns of the files that it writes below the report's folder, and
`render(report, folder)`, which gives these files by their paths. `folder` is where the artifacts
are, for a format that takes them in; it is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from harness import registry
from harness.report.model import Report

Render = Callable[[Report, Path], Mapping[str, bytes]]


def write(report: Report, folder: Path) -> list[Path]:
    """Write every format of the report into `folder`; the files, in order."""
    for file in known(folder):
        file.unlink()
    written = []
    for name in registry.names("formats"):
        render: Render = registry.lookup("formats", name, "render")
        for path, data in render(report, folder).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            written.append(file)
    return written


def known(folder: Path) -> Iterator[Path]:
    """The files in `folder` that were written of a report before."""
    for name in registry.names("formats"):
        patterns: tuple[str, ...] = registry.lookup("formats", name, "FILES")
        for pattern in patterns:
            yield from folder.glob(pattern)
