"""`queuejob gate`: the gate, as a CI calls it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from harness import reports, surroundings
from harness.bringup import Bench
from harness.errors import InfrastructureError, UsageError
from harness.forge import Forge
from harness.gate import Asked, Gate, command
from harness.progress import Progress
from harness.scenario import LEVELS
from harness.settings import Settings

HELP = "one step of a CI: green when the image conforms, and at no other time"
DESCRIPTION = (
    "Run `queuejob check`, believe only what verifies, and tell the CI. The same image, suite, "
    "options and versions are not tested twice. Exit code 0: conformant. Everything else: not."
)
#: Before the name of one of this project's own images.
_RECIPE = "recipe:"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--image", required=True, help="as for `queuejob check`")
    parser.add_argument("--pattern", required=True, metavar="coarse|fine")
    parser.add_argument("--job", type=Path, metavar="FILE", help="your own Job manifest")
    parser.add_argument("--profile", choices=LEVELS, default=LEVELS[0])
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
    if any(word == "--out" or word.startswith("--out=") for word in options.check):
        raise UsageError("the gate chooses --out itself", todo="say --reports DIR")
    words = [f"--image={options.image}", f"--pattern={options.pattern}"]
    words.append(f"--profile={options.profile}")
    if options.job is not None:
        words.append(f"--job={options.job}")
    words += options.check
    gate = Gate(
        reports=options.reports,
        harness=surroundings.harness(),
        verify=lambda path: reports.verified(path)[1],
        forge=Forge(os.environ, _say),
        command=command(),
    )
    asked = Asked(_digest(options.image), tuple(words), tuple(_files(words)), options.digest)
    return gate.run(asked, options.baseline)


def _digest(image: str) -> str:
    """The digest of the image, as a report would name it; empty when it is not to be had."""
    bench = Bench(Settings(), Progress())
    try:
        ref = image
        if image.startswith(_RECIPE):
            ref = bench.images.catalogue.tag(image.removeprefix(_RECIPE))
        elif bench.docker.image_id(image) is None:
            bench.docker.pull(image)
        return surroundings.implementation(bench.docker, image, ref).image.digest
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
