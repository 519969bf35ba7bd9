"""The `queuejob` command: its subcommands, each a module that is imported when it is used."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from harness import __version__
from harness.cli.parser import CliParser
from harness.core.errors import EXIT_INTERRUPTED, QueuejobError


@dataclass(frozen=True)
class Command:
    """A subcommand. Its module has `add(parser)`, which sets `run`, and perhaps `DESCRIPTION`."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("doctor", "doctor", "what is missing on this machine, and why it matters"),
    Command("check", "check", "run a worker image through a profile, and say what it guarantees"),
    Command("judge", "judge", "judge recorded histories again, without a cluster"),
    Command(
        "report", "report", "write all formats again, from report.json and the histories next to it"
    ),
    Command(
        "verify",
        "verify",
        "judge the histories next to a report again, and say what does not agree",
    ),
    Command("publish", "publish", "make a static site of a folder of reports"),
    Command(
        "gate",
        "gate.command",
        "one step of a CI: green when the image conforms, and at no other time",
    ),
    Command("explain", "explain", "a guarantee: why it matters, how it is kept"),
    Command("list", "listing", "all invariants, faults, patterns or scenarios, a line each"),
    Command("images", "images", "the images that a cluster needs"),
    Command("cluster", "cluster", "clusters that this tool made"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    arguments = [*(sys.argv[1:] if argv is None else argv)]
    options = _parser(arguments).parse_args(arguments)
    try:
        code: int = options.run(options)
    except QueuejobError as error:
        print(f"queuejob: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("queuejob: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return code


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the options of the command that the arguments name.

    The other commands are listed, and not imported: `--help` and `--version` stay quick.
    """
    parser = CliParser(prog="queuejob", description="Queue Job conformance.")
    parser.add_argument("--version", action="version", version=f"queuejob {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    named = next((word for word in arguments if not word.startswith("-")), None)
    for command in COMMANDS:
        subparser = commands.add_parser(command.name, help=command.help)
        if command.name == named:
            module = importlib.import_module(f"harness.cli.{command.module}")
            subparser.description = getattr(module, "DESCRIPTION", None)
            module.add(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
