"""Load a report from disk, and verify it against its histories."""

from __future__ import annotations

from pathlib import Path

from harness.checks.plan import asked
from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED, InfrastructureError
from harness.report.canonical import decode
from harness.report.model import Report, Result
from harness.report.verify import verify

#: The file from which all other formats are made.
NAME = "report.json"

_CODES = {Result.CONFORMANT: EXIT_OK, Result.NONCONFORMANT: EXIT_VIOLATED}


def load(path: Path) -> Report:
    """Load a report from a file or from a folder's report.json. Raises `QueuejobError`."""
    file = path / NAME if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InfrastructureError(f"the report {file} cannot be read: {error}") from None
    return decode(data, str(file))


def verified(path: Path) -> tuple[Report, list[str]]:
    """Load a report, and list what in it does not agree with the histories next to it."""
    report = load(path)
    return report, verify(report, path if path.is_dir() else path.parent, asked)


def code(report: Report, lines: list[str]) -> int:
    """Return the exit code of a verified report: its own if everything agrees."""
    return EXIT_NOT_PROVED if lines else _CODES.get(report.result, EXIT_NOT_PROVED)
