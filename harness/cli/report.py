"""`queuejob report` and `queuejob verify`: process an existing report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED
from harness.core.text import clean
from harness.report import formats
from harness.report.canonical import BrokenReport, canonical, digest

if TYPE_CHECKING:
    from argparse import _SubParsersAction
from harness.report.store import NAME, code, load, verified

P = TypeVar("P", bound=argparse.ArgumentParser)


def add(commands: _SubParsersAction[P]) -> None:
    """Add both commands and their options."""
    writing = commands.add_parser(
        "report", help="write all formats again, from report.json and the histories beside it"
    )
    writing.add_argument("folder", type=Path, metavar="DIR")
    writing.set_defaults(run=_report)
    verifying = commands.add_parser(
        "verify",
        help="judge the histories beside a report again, and say what does not agree",
        description="Exit code 0: conformant. 1: not conformant. 6: neither is proved, or "
        "something does not agree.",
    )
    verifying.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    verifying.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    codes = set()
    for path in options.reports:
        report, lines = verified(path)
        print(clean(f"{path}: {report.headline}"))
        for line in lines:
            print(clean(f"  {line}"))
        summary = f"{len(lines)} things do not agree" if lines else "all of it agrees"
        print(f"  {summary}")
        codes.add(code(report, lines))
    return next(
        exit_code for exit_code in (EXIT_VIOLATED, EXIT_NOT_PROVED, EXIT_OK) if exit_code in codes
    )


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
