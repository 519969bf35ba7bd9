"""`queuejob report`: write all formats of an existing report again."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.core.errors import EXIT_OK
from harness.report import formats
from harness.report.canonical import BrokenReport, canonical, digest
from harness.report.store import NAME, load


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
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
