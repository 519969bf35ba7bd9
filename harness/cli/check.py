"""`queuejob check`: run the profile's suite with pytest."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from harness.checks.levels import LEVELS, within
from harness.cli import project_file
from harness.core.errors import (
    EXIT_INTERRUPTED,
    EXIT_NOT_PROVED,
    EXIT_OK,
    EXIT_USAGE,
    EXIT_VIOLATED,
    UsageError,
)
from harness.engine.worker.options import OPTIONS, REPEATABLE

#: Concurrent scenarios. They mostly wait: for leases, pods and back-offs.
_AT_ONCE = 3

_CODES = {
    pytest.ExitCode.OK: EXIT_OK,
    pytest.ExitCode.TESTS_FAILED: EXIT_VIOLATED,
    pytest.ExitCode.INTERRUPTED: EXIT_INTERRUPTED,
    pytest.ExitCode.USAGE_ERROR: EXIT_USAGE,
    pytest.ExitCode.NO_TESTS_COLLECTED: EXIT_NOT_PROVED,
}


DESCRIPTION = (
    "Run a worker image as a Job, hurt it at protocol points, and say which guarantee breaks. "
    "Exit code 0: all was proved. 1: a guarantee is broken. 6: not proved."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    for option in OPTIONS:
        choices = LEVELS if option.name == "profile" else None
        parser.add_argument(
            f"--{option.name}", metavar=option.value, help=option.text, choices=choices
        )
    for option in REPEATABLE:
        parser.add_argument(
            f"--{option.name}", metavar=option.value, action="append", default=[], help=option.text
        )
    parser.add_argument(
        "--redact", action="store_true", help="write digests instead of items and log lines"
    )
    parser.add_argument(
        "--isolated", action="store_true", help="take no option from a pyproject.toml"
    )
    parser.add_argument(
        "-n", "--at-once", type=int, default=_AT_ONCE, help="scenarios at once (default: 3)"
    )
    parser.add_argument("pytest", nargs="*", metavar="-- PYTEST_OPTION", help="passed to pytest")
    parser.set_defaults(run=run)


def from_project(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the options (name, value) that only the project file sets."""
    if options.isolated:
        return []
    return project_file.missing(
        {option.name: _from_cli(options, option.name) for option in (*OPTIONS, *REPEATABLE)}
    )


def no_image() -> UsageError:
    """Return the error for a missing worker image."""
    return UsageError(
        "no worker image is given",
        expected="--image NAME, or image in [tool.queuejob] of a pyproject.toml",
        seen="neither",
    )


def _from_cli(options: argparse.Namespace, name: str) -> str | list[str] | None:
    given: str | list[str] | None = getattr(options, name.replace("-", "_"))
    return given


def run(options: argparse.Namespace) -> int:
    """Run the suite. Returns the plugin's exit code."""
    given = _merged_options(options)
    profile = next(level for level in LEVELS if ("profile", level) in given)
    suites = [f"harness.suites.{level}" for level in LEVELS if within(level, profile)]
    arguments = ["--pyargs", *suites, "--import-mode=importlib"]
    # A pytest configuration in the current folder is meant for other tests.
    arguments += ["-c", os.devnull, "--rootdir", str(Path.cwd()), "-p", "no:cacheprovider"]
    arguments += ["-q", "-n", str(options.at_once), "--tb=no", "-rN"]
    # This package is always imported before pytest could rewrite its asserts.
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    arguments += [f"--queuejob-{name}={value}" for name, value in given]
    if options.redact:
        arguments.append("--queuejob-redact")
    code = pytest.main([*arguments, *options.pytest])
    return _CODES.get(code, int(code)) if isinstance(code, pytest.ExitCode) else int(code)


def _merged_options(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Merge the options (name, value) of the command line, the project file and the defaults."""
    defaults = (("keep", "never"), ("profile", LEVELS[0]))
    from_cli = [(option.name, _from_cli(options, option.name)) for option in OPTIONS]
    merged = [(name, value) for name, value in from_cli if isinstance(value, str)]
    merged += [
        (option.name, value)
        for option in REPEATABLE
        for value in _from_cli(options, option.name) or ()
    ]
    merged += from_project(options)
    names = {name for name, _ in merged}
    if "image" not in names:
        raise no_image()
    return [*merged, *(option for option in defaults if option[0] not in names)]
