"""`queuejob verify`: judge the histories of a report again, and compare."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED
from harness.core.text import clean
from harness.report.store import code, verified

DESCRIPTION = (
    "Exit code 0: conformant. 1: not conformant. 6: neither is proved, or something does not agree."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
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
