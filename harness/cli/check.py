"""`queuejob check`: a front for pytest, which runs the profile's suite."""

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

#: Scenarios at once. Most of their time is spent waiting: for leases, pods and back-offs.
_AT_ONCE = 3

_CODES = {
    pytest.ExitCode.OK: EXIT_OK,
    pytest.ExitCode.TESTS_FAILED: EXIT_VIOLATED,
    pytest.ExitCode.INTERRUPTED: EXIT_INTERRUPTED,
    pytest.ExitCode.USAGE_ERROR: EXIT_USAGE,
    pytest.ExitCode.NO_TESTS_COLLECTED: EXIT_NOT_PROVED,
}

HELP = "run a worker image through a profile, and say what it guarantees"

DESCRIPTION = (
    "Run a worker image as a Job, hurt it at protocol points, and say which guarantee breaks. "
    "Exit code 0: all was proved. 1: a guarantee is broken. 6: not proved."
)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    for one in OPTIONS:
        choices = LEVELS if one.name == "profile" else None
        parser.add_argument(f"--{one.name}", metavar=one.value, help=one.text, choices=choices)
    for one in REPEATABLE:
        parser.add_argument(
            f"--{one.name}", metavar=one.value, action="append", default=[], help=one.text
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
    """Option and value for all that these `options` do not say, and the project does."""
    if options.isolated:
        return []
    return project_file.missing(
        {one.name: _from_cli(options, one.name) for one in (*OPTIONS, *REPEATABLE)}
    )


def no_image() -> UsageError:
    """There is nothing to be tested."""
    return UsageError(
        "no worker image is given",
        expected="--image NAME, or image in [tool.queuejob] of a pyproject.toml",
        seen="neither",
    )


def _from_cli(options: argparse.Namespace, name: str) -> str | list[str] | None:
    found: str | list[str] | None = getattr(options, name.replace("-", "_"))
    return found


def run(options: argparse.Namespace) -> int:
    """Run the suite; the exit code is the plugin's."""
    said = _merged_options(options)
    profile = next(one for one in LEVELS if ("profile", one) in said)
    suites = [f"harness.suites.{one}" for one in LEVELS if within(one, profile)]
    words = ["--pyargs", *suites, "--import-mode=importlib"]
    # Whatever pytest is set to in the folder where we happen to be is meant for other tests.
    words += ["-c", os.devnull, "--rootdir", str(Path.cwd()), "-p", "no:cacheprovider"]
    words += ["-q", "-n", str(options.at_once), "--tb=no", "-rN"]
    # That this very package is imported before pytest could rewrite its asserts is no news.
    words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    words += [f"--queuejob-{name}={value}" for name, value in said]
    if options.redact:
        words.append("--queuejob-redact")
    code = pytest.main([*words, *options.pytest])
    return _CODES.get(code, int(code)) if isinstance(code, pytest.ExitCode) else int(code)


def _merged_options(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Option and value of all that is said, here or by the project, and of what is usual here."""
    usual = (("keep", "never"), ("profile", LEVELS[0]))
    found = [(one.name, _from_cli(options, one.name)) for one in OPTIONS]
    said = [(name, value) for name, value in found if isinstance(value, str)]
    said += [
        (one.name, value) for one in REPEATABLE for value in _from_cli(options, one.name) or ()
    ]
    said += from_project(options)
    names = {name for name, _ in said}
    if "image" not in names:
        raise no_image()
    return [*said, *(one for one in usual if one[0] not in names)]
