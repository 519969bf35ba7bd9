"""`queuejob cluster`: clusters that this tool made."""

from __future__ import annotations

import argparse

from harness.cli.machine import infrastructure
from harness.core.errors import EXIT_OK
from harness.infra.settings import DEFAULT_CLUSTER


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's actions to the parser."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    delete = actions.add_parser("delete", help="delete a cluster that was kept")
    delete.add_argument("name", nargs="?", default=DEFAULT_CLUSTER)
    delete.set_defaults(run=_delete)


def _delete(options: argparse.Namespace) -> int:
    infrastructure(options).provider.delete()
    return EXIT_OK
