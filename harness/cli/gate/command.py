"""`queuejob gate`: the gate, as a CI calls it."""

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

HELP = "one step of a CI: green when the image conforms, and at no other time"
DESCRIPTION = (
    "Run `queuejob check`, believe only what verifies, and tell the CI. The same image, suite, "
    "options and versions are not tested twice. Exit code 0: conformant. Everything else: not."
)
#: Before the name of one of this project's own images.
_RECIPE = "recipe:"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
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
    """Ask the gate; the exit code is its answer."""
    words = _words(options)
    said = _as_check_has_it(words)
    if said.out is not None:
        raise UsageError("the gate chooses --out itself", todo="say --reports DIR")
    # Read once, and here: what the report is kept under is what `check` is asked for.
    words = [*(f"--{name}={value}" for name, value in check.from_project(said)), *words]
    said = _as_check_has_it(words)
    if said.image is None:
        raise check.no_image()
    if said.profile is None:
        words = [f"--profile={LEVELS[0]}", *words]
    gate = Gate(
        reports=options.reports,
        harness=provenance.harness(),
        verify=lambda path: store.verified(path)[1],
        forge=CiStep(os.environ, _say),
        command=command(),
    )
    files = [*_files(words)]
    if said.manifests is not None:
        files += companion_manifests.files(Path(said.manifests))
    asked = Asked(_digest(said.image), tuple(words), tuple(files), options.digest)
    return gate.run(asked, options.baseline)


def _words(options: argparse.Namespace) -> list[str]:
    """The options for `check`, as they are given."""
    named = ("image", "pattern", "profile", "job")
    given = ((name, getattr(options, name)) for name in named)
    return [*(f"--{name}={value}" for name, value in given if value is not None), *options.check]


def _as_check_has_it(words: list[str]) -> argparse.Namespace:
    parser = CliParser(prog="queuejob check")
    check.add(parser)
    return parser.parse_args(words)


def _digest(image: str) -> str:
    """The digest of the image, as a report would name it; empty when it is not to be had."""
    bench = Infrastructure(Settings(), Progress())
    try:
        ref = image
        if image.startswith(_RECIPE):
            ref = bench.images.catalogue.tag(image.removeprefix(_RECIPE))
        elif bench.docker.image_id(image) is None:
            bench.docker.pull(image)
        return provenance.implementation(bench.docker, image, ref).image.digest
    except (InfrastructureError, UsageError):
        return ""  # `check` says why, and ends as it should


def _files(words: Iterable[str]) -> Iterable[Path]:
    """The files that options name: `--job=FILE`, or `FILE` alone."""
    for word in words:
        path = Path(word.partition("=")[2] if word.startswith("--") else word)
        try:
            if path.is_file():
                yield path
        except OSError:  # too long for a file's name
            continue


def _say(line: str) -> None:
    print(line, flush=True)
