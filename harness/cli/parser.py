"""Command lines: what is wrong is said, with the exit code that this tool has for it."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from harness.core.errors import EXIT_USAGE


class CliParser(argparse.ArgumentParser):
    """Ends with the code for what cannot be, where argparse has its own."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")
