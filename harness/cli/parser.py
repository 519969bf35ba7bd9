"""Command lines: usage errors end with the exit code of this tool."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from harness.core.errors import EXIT_USAGE


class CliParser(argparse.ArgumentParser):
    """An argument parser that exits with `EXIT_USAGE` instead of argparse's own code."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")
