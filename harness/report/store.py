"""A report on disk: loaded, and verified against its histories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.checks.plan import asked
from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED, InfrastructureError
from harness.report.canonical import decode
from harness.report.model import Report, Result
from harness.report.verify import verify

if TYPE_CHECKING:
    pass


#: The file that everything else is made of.
NAME = "report.json"

_CODES = {Result.CONFORMANT: EXIT_OK, Result.NONCONFORMANT: EXIT_VIOLATED}


def load(path: Path) -> Report:
    """The report in a file, or in a folder's report.json; raises `QueuejobError`."""
    file = path / NAME if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InfrastructureError(f"the report {file} cannot be read: {error}") from None
    return decode(data, str(file))


def verified(path: Path) -> tuple[Report, list[str]]:
    """A report and what in it does not agree with the histories beside it."""
    report = load(path)
    return report, verify(report, path if path.is_dir() else path.parent, asked)


def code(report: Report, lines: list[str]) -> int:
    """The exit code of a verified report: its own, where all agrees."""
    return EXIT_NOT_PROVED if lines else _CODES.get(report.result, EXIT_NOT_PROVED)
