"""`queuejob report` and `queuejob verify`: what can be done with a report that is there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness import formats
from harness.campaign import asked
from harness.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED, InfrastructureError
from harness.report.canonical import BrokenReport, canonical, decode, digest
from harness.report.model import Report, Result
from harness.report.verify import verify
from harness.view import clean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

P = TypeVar("P", bound=argparse.ArgumentParser)

#: The file that everything else is made of.
NAME = "report.json"
_CODES = {Result.CONFORMANT: EXIT_OK, Result.NONCONFORMANT: EXIT_VIOLATED}


def add(commands: _SubParsersAction[P]) -> None:
    """Both commands and their options."""
    again = commands.add_parser(
        "report", help="write all formats again, from report.json and the histories beside it"
    )
    again.add_argument("folder", type=Path, metavar="DIR")
    again.set_defaults(run=_report)
    verifying = commands.add_parser(
        "verify",
        help="judge the histories beside a report again, and say what does not agree",
        description="Exit code 0: conformant. 1: not conformant. 6: neither is proved, or "
        "something does not agree.",
    )
    verifying.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    verifying.set_defaults(run=_verify)


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


def _verify(options: argparse.Namespace) -> int:
    codes = set()
    for path in options.reports:
        report, lines = verified(path)
        print(clean(f"{path}: {report.headline}"))
        for line in lines:
            print(clean(f"  {line}"))
        told = f"{len(lines)} things do not agree" if lines else "all of it agrees"
        print(f"  {told}")
        codes.add(code(report, lines))
    return next(one for one in (EXIT_VIOLATED, EXIT_NOT_PROVED, EXIT_OK) if one in codes)


def _report(options: argparse.Namespace) -> int:
    report = load(options.folder)
    if digest(canonical(report)) != report.report_digest:
        raise BrokenReport(
            f"{options.folder / NAME} was changed",
            expected=report.report_digest,
            seen=digest(canonical(report)),
            todo="make the report again with `queuejob check`",
        )
    for file in formats.write(report, options.folder):
        print(file)
    return EXIT_OK
