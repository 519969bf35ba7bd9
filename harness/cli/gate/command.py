"""`queuejob gate`: the command line of the gate."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from harness.checks.levels import LEVELS
from harness.cli import check
from harness.cli.gate.gate import Asked, Gate, command
from harness.cli.gate.github import CiStep
from harness.cli.parser import CliParser
from harness.core.errors import InfrastructureError, UsageError
from harness.core.progress import Progress
from harness.engine import provenance
from harness.engine.worker import companion_manifests
from harness.infra.infrastructure import Infrastructure
from harness.infra.settings import Settings
from harness.report import store

DESCRIPTION = (
    "Run `queuejob check`, believe only what verifies, and tell the CI. The same image, suite, "
    "options and versions are not tested twice. Exit code 0: conformant. Everything else: not."
)
#: Prefix of this project's own images.
_RECIPE = "recipe:"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    parser.add_argument("--image", help="as for `queuejob check`")
    parser.add_argument("--pattern", metavar="coarse|fine")
    parser.add_argument("--job", metavar="FILE", help="your own Job manifest")
    parser.add_argument("--profile", choices=LEVELS)
    parser.add_argument(
        "--baseline", type=Path, metavar="REPORT", help="tell what is worse than in this report"
    )
    parser.add_argument(
        "--digest", default="", metavar="sha256:…", help="the digest that the image has to have"
    )
    parser.add_argument(
        "--reports",
        type=Path,
        default=Path("queuejob-reports"),
        metavar="DIR",
        help="folder of all reports (default: queuejob-reports)",
    )
    parser.add_argument(
        "check", nargs="*", metavar="-- CHECK_OPTION", help="more options of `queuejob check`"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the gate. Returns its exit code."""
    check_options = _check_options(options)
    parsed = _parse_as_check(check_options)
    if parsed.out is not None:
        raise UsageError("the gate chooses --out itself", todo="say --reports DIR")
    # Read the project file only here: the report's key must cover exactly what `check` gets.
    check_options = [
        *(f"--{name}={value}" for name, value in check.from_project(parsed)),
        *check_options,
    ]
    parsed = _parse_as_check(check_options)
    if parsed.image is None:
        raise check.no_image()
    if parsed.profile is None:
        check_options = [f"--profile={LEVELS[0]}", *check_options]
    gate = Gate(
        reports=options.reports,
        harness=provenance.harness(),
        verify=lambda path: store.verified(path)[1],
        forge=CiStep(os.environ, _print),
        command=command(),
    )
    files = [*_files(check_options)]
    if parsed.manifests is not None:
        files += companion_manifests.files(Path(parsed.manifests))
    request = Asked(_digest(parsed.image), tuple(check_options), tuple(files), options.digest)
    return gate.run(request, options.baseline)


def _check_options(options: argparse.Namespace) -> list[str]:
    """Return the options for `check`, as they were given."""
    named = ("image", "pattern", "profile", "job")
    given = ((name, getattr(options, name)) for name in named)
    return [*(f"--{name}={value}" for name, value in given if value is not None), *options.check]


def _parse_as_check(words: list[str]) -> argparse.Namespace:
    parser = CliParser(prog="queuejob check")
    check.add(parser)
    return parser.parse_args(words)


def _digest(image: str) -> str:
    """Return the image digest as a report gives it; empty if the image is not available."""
    infrastructure = Infrastructure(Settings(), Progress())
    try:
        ref = image
        if image.startswith(_RECIPE):
            ref = infrastructure.images.catalogue.tag(image.removeprefix(_RECIPE))
        elif infrastructure.docker.image_id(image) is None:
            infrastructure.docker.pull(image)
        return provenance.implementation(infrastructure.docker, image, ref).image.digest
    except (InfrastructureError, UsageError):
        return ""  # `check` reports the reason and sets the exit code


def _files(words: Iterable[str]) -> Iterable[Path]:
    """Yield the files that options name: `--job=FILE`, or `FILE` alone."""
    for word in words:
        path = Path(word.partition("=")[2] if word.startswith("--") else word)
        try:
            if path.is_file():
                yield path
        except OSError:  # too long for a file's name
            continue


def _print(line: str) -> None:
    print(line, flush=True)
