"""`queuejob publish`: a static site of a folder of reports."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK
from harness.core.text import several
from harness.report import store
from harness.report.formats import FORMATS
from harness.report.model import Report
from harness.report.site import publish


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    parser.add_argument(
        "reports", type=Path, metavar="REPORTS", help="folder with reports below it"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="SITE", help="folder of the site"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    published = publish(options.reports, options.out, lambda path: store.verified(path)[1], _page)
    for skipped in published.left_out:
        print(f"queuejob: left out: {skipped.path}: {skipped.why}", file=sys.stderr)
    print(f"{options.out / 'index.html'}: {several(len(published.reports), 'report')}")
    return EXIT_NOT_PROVED if published.left_out else EXIT_OK


def _page(report: Report, folder: Path) -> bytes:
    return FORMATS.get("html").render(report, folder)["index.html"]
