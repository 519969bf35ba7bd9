"""`queuejob explain`: a guarantee, why it matters, and how it is kept."""

from __future__ import annotations

import argparse

from harness.checks import guarantees
from harness.core.errors import EXIT_OK


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    parser.add_argument("id", nargs="?", metavar="ID", help="as S9; without it, all in a list")
    parser.add_argument("--markdown", action="store_true", help="all of them as one page")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.markdown:
        text = guarantees.page(guarantees.guarantees())
    elif options.id is None:
        text = guarantees.listed(guarantees.guarantees())
    else:
        text = guarantees.told(guarantees.guarantee(options.id))
    print(text.rstrip())
    return EXIT_OK
