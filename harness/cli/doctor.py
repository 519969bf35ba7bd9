"""`queuejob doctor`: what this machine lacks, and how to get it."""

from __future__ import annotations

import argparse

from harness.cli.machine import add_image_options, infrastructure
from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK
from harness.infra.doctor import checkup


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    parser.add_argument("--fix", action="store_true", help="get what is missing")
    parser.set_defaults(run=_run)
    add_image_options(parser)


def _run(options: argparse.Namespace) -> int:
    machine = infrastructure(options)
    if options.fix:
        machine.install_missing()
    rows = checkup.examine(machine.requirements())
    print(checkup.table(rows))
    return EXIT_OK if all(row.finding and row.finding.present for row in rows) else EXIT_NOT_PROVED
