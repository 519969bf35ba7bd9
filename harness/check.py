"""`queuejob check`: a front for pytest, which runs the profile's suite."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import credentials
from harness.errors import EXIT_INTERRUPTED, EXIT_NOT_PROVED, EXIT_OK, EXIT_USAGE, EXIT_VIOLATED
from harness.scenario import LEVELS, within

#: Scenarios at once. Most of their time is spent waiting: for leases, pods and back-offs.
_AT_ONCE = 3
#: Options of the plugin that `check` takes without their prefix.
_OPTIONS = (
    ("pattern", "coarse|fine", "how the worker takes its work"),
    ("image", "IMAGE", "the worker's image, as Docker knows it"),
    ("job", "FILE", "your own Job manifest (default: the task page's)"),
    ("container", "NAME", "which container of the pod is the worker, when there are several"),
    ("queue", "NAME", "name of the queue (default: the task page's)"),
    ("queue-env", "NAME", "environment variable that tells the worker the queue's name"),
    ("start-pattern", "REGEX", "how a log line says that work on (?P<item>…) begins"),
    ("done-pattern", "REGEX", "how a log line says that it has ended"),
    ("digest-pattern", "REGEX", "how a log line tells the (?P<sha256>…) of what is worked on"),
    ("failing-item", "TEXT", "an item that makes this worker's handler fail"),
    ("sentinel", "KEY", "key, set after the last item, without which it takes no queue for empty"),
    ("concurrency", "N", "how many items each of its containers works on at once (default: 1)"),
    ("seed", "KIND", "what its queue in Redis is: list or stream (default: list)"),
    ("stream-group", "NAME", "the group that reads the stream (default: workers)"),
    ("stream-field", "NAME", "the field of an entry that has the item (default: item)"),
    ("keeps", "KEYS", "keys that it leaves in Redis on purpose, as stats:*,results, or none"),
    ("max-attempts", "N", "how often an item may be tried that kills its worker (default: 5)"),
    ("provider", "NAME", "where the cluster comes from (default: kind)"),
    ("cluster", "NAME", "name of the cluster"),
    ("spare-node", "yes|no", "a cluster with one node more, which may be lost (default: no)"),
    ("keep", "WHEN", "keep the cluster: never, failed or always (default: never)"),
    ("images", "SOURCE", "where images come from: auto, registry, packages or archive"),
    ("archive", "FILE", "file made by `queuejob images save`"),
    ("image-refs", "FILE", "YAML file, recipe: reference by digest"),
    ("out", "DIR", "folder for the report, histories and logs (default: queuejob-out)"),
    ("timeout-factor", "N", "multiplies every bound (default: 1)"),
)
_LISTS = (
    ("env", "NAME=VALUE", "for the worker; {host}, {port}, {queue}, {url} are the broker's"),
    ("accept-unproved", "IDS", "invariants, as S11,S3, that need not be proved"),
)
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
    for name, value, text in _OPTIONS:
        needed = name in ("pattern", "image")
        parser.add_argument(f"--{name}", metavar=value, help=text, required=needed)
    for name, value, text in _LISTS:
        parser.add_argument(f"--{name}", metavar=value, action="append", default=[], help=text)
    parser.add_argument(
        "--redact", action="store_true", help="write digests instead of items and log lines"
    )
    parser.add_argument("--profile", choices=LEVELS, default=LEVELS[0])
    parser.add_argument(
        "-n", "--at-once", type=int, default=_AT_ONCE, help="scenarios at once (default: 3)"
    )
    parser.add_argument("pytest", nargs="*", metavar="-- PYTEST_OPTION", help="passed to pytest")
    parser.set_defaults(run=run)


def command(
    value: Callable[[str], str | None], values: Callable[[str], list[str]], *, redact: bool
) -> str:
    """The command that asks for the same; what is secret in the environment is left out."""
    words = ["queuejob", "check"]
    for name in (*(name for name, _, _ in _OPTIONS), "profile"):
        if (given := value(name)) is not None:
            hidden = redact and name == "failing-item"
            words += [f"--{name}", credentials.HIDDEN if hidden else given]
    for name, _, _ in _LISTS:
        for given in values(name):
            key, equals, rest = given.partition("=")
            words += [f"--{name}", f"{key}={credentials.variable(key, rest)}" if equals else given]
    return shlex.join([*words, *(["--redact"] if redact else [])])


def run(options: argparse.Namespace) -> int:
    """Run the suite; the exit code is the plugin's."""
    suites = [f"harness.suites.{one}" for one in LEVELS if within(one, options.profile)]
    words = ["--pyargs", *suites, f"--queuejob-profile={options.profile}"]
    words += ["--import-mode=importlib"]
    # Whatever pytest is set to in the folder where we happen to be is meant for other tests.
    words += ["-c", os.devnull, "--rootdir", str(Path.cwd()), "-p", "no:cacheprovider"]
    words += ["-q", "-n", str(options.at_once), "--tb=no", "-rN"]
    # That this very package is imported before pytest could rewrite its asserts is no news.
    words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    given = vars(options)
    if options.keep is None:
        given["keep"] = "never"
    for name, _, _ in _OPTIONS:
        if (value := given[name.replace("-", "_")]) is not None:
            words.append(f"--queuejob-{name}={value}")
    for name, _, _ in _LISTS:
        words += [f"--queuejob-{name}={value}" for value in given[name.replace("-", "_")]]
    if options.redact:
        words.append("--queuejob-redact")
    code = pytest.main([*words, *options.pytest])
    return _CODES.get(code, int(code)) if isinstance(code, pytest.ExitCode) else int(code)
