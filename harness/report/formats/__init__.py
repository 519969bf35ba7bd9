"""The formats of a report. Each module has an object `FORMAT`, and computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core.registry import Registry
from harness.report.model import Report

#: Returns the files of a format by path. The folder has the artifacts, and is only read.
Render = Callable[[Report, Path], Mapping[str, bytes]]


@dataclass(frozen=True)
class Format:
    """A format: glob patterns of the files below the report's folder, and their writer."""

    files: tuple[str, ...]
    render: Render


#: All formats, by module name.
FORMATS: Registry[Format] = Registry(
    kind="formats",
    package="harness.report.formats",
    attribute="FORMAT",
    group="queuejob.formats",
)


def write(report: Report, folder: Path) -> list[Path]:
    """Write every format of the report into `folder`. Returns the files, in order."""
    for file in known(folder):
        file.unlink()
    written = []
    for format_ in FORMATS.all().values():
        for path, data in format_.render(report, folder).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            written.append(file)
    return written


def known(folder: Path) -> Iterator[Path]:
    """Yield the files in `folder` that an earlier report wrote."""
    for format_ in FORMATS.all().values():
        for pattern in format_.files:
            yield from folder.glob(pattern)
