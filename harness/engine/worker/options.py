"""The options of `queuejob check`, and how each is written in a pyproject.toml."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checks.levels import LEVELS
from harness.core import masking


@dataclass(frozen=True)
class TomlType:
    """The type of an option's value in TOML.

    `to_cli` converts a value, in a file of a folder, to the words of the command line; None for a
    value of another type. Any: all that TOML can hold.
    """

    says: str
    to_cli: Callable[[Any, Path], list[str] | None]


@dataclass(frozen=True)
class Option:
    """An option of `check`, without its dashes."""

    name: str
    #: The placeholder of its value in the help text.
    value: str
    text: str
    #: None: it is not about a worker, so only the command line has it.
    kind: TomlType | None = None


def _text(value: Any, _: Path) -> list[str] | None:
    return [value] if isinstance(value, str) else None


def _file(value: Any, folder: Path) -> list[str] | None:
    """Convert a path that is relative to the TOML file's folder into one from here."""
    return [os.path.relpath(folder / value)] if isinstance(value, str) and value else None


def _level(value: Any, _: Path) -> list[str] | None:
    return [value] if value in LEVELS else None


def _count(value: Any, _: Path) -> list[str] | None:
    return [str(value)] if type(value) is int else None


def _items(value: Any, folder: Path) -> list[str] | None:
    """Convert a number of items, or a path; `./` is put before a file name of digits only."""
    if type(value) is int:
        return [str(value)]
    return [
        f"./{path}" if path.isdecimal() else path for path in _file(value, folder) or ()
    ] or None


def _number(value: Any, _: Path) -> list[str] | None:
    return [str(value)] if type(value) in (int, float) and math.isfinite(value) else None


def _listed(value: Any, _: Path) -> list[str] | None:
    if not isinstance(value, list):
        return None
    valid = all(isinstance(text, str) and text and "," not in text for text in value)
    return [",".join(value) or "none"] if valid else None


def _ids(value: Any, folder: Path) -> list[str] | None:
    return [] if value == [] else _listed(value, folder)


def _table(value: Any, _: Path) -> list[str] | None:
    if not isinstance(value, Mapping):
        return None
    valid = all(name and "=" not in name and isinstance(text, str) for name, text in value.items())
    return [f"{name}={text}" for name, text in value.items()] if valid else None


def _queue_arguments(value: Any, _: Path) -> list[str] | None:
    """Convert a table, whose strings are quoted so that they stay strings, or a list of words."""
    if isinstance(value, Mapping):
        if not all(name and type(entry) in (str, int, bool) for name, entry in value.items()):
            return None
        quoted = {
            name: f'"{entry}"' if isinstance(entry, str) else str(entry).lower()
            for name, entry in value.items()
        }
        return [f"{name}={entry}" for name, entry in quoted.items()]
    is_words = isinstance(value, list) and all(isinstance(entry, str) and entry for entry in value)
    return list(value) if is_words else None


TEXT = TomlType("a string", _text)
FILE = TomlType("a path, from this file's folder", _file)
LEVEL = TomlType(" or ".join(f'"{one}"' for one in LEVELS), _level)
COUNT = TomlType("a whole number", _count)
ITEMS = TomlType("a path, from this file's folder, or a whole number", _items)
NUMBER = TomlType("a number", _number)
LISTED = TomlType("an array of strings without commas", _listed)
IDS = TomlType("an array of strings without commas", _ids)
TABLE = TomlType('a table of strings, as { NAME = "value" }', _table)
ARGUMENTS = TomlType("a table of strings, whole numbers and booleans", _queue_arguments)

OPTIONS = (
    Option("pattern", "coarse|fine", "how the worker takes its work", TEXT),
    Option("image", "IMAGE", "the worker's image, as Docker knows it", TEXT),
    Option("job", "FILE", "your own Job manifest (default: the tutorial's)", FILE),
    Option(
        "manifests",
        "DIR",
        "ConfigMaps, Secrets and whatever else the Job needs, applied first",
        FILE,
    ),
    Option(
        "container",
        "NAME",
        "which container of the pod is the worker, when there are several",
        TEXT,
    ),
    Option("queue", "NAME", "name of the queue (default: the tutorial's)", TEXT),
    Option(
        "queue-env", "NAME", "environment variable that tells the worker the queue's name", TEXT
    ),
    Option("start-pattern", "REGEX", "how a log line says that work on (?P<item>…) begins", TEXT),
    Option("done-pattern", "REGEX", "how a log line says that it has ended", TEXT),
    Option(
        "digest-pattern",
        "REGEX",
        "how a log line tells the (?P<sha256>…) of what is worked on",
        TEXT,
    ),
    Option(
        "items",
        "FILE|N",
        "an item in each line, bytes unchanged; or how many (default: the page's)",
        ITEMS,
    ),
    Option("failing-item", "TEXT", "an item that makes this worker's handler fail", TEXT),
    Option(
        "sentinel",
        "KEY",
        "key, set after the last item, without which it takes no queue for empty",
        TEXT,
    ),
    Option(
        "concurrency",
        "N",
        "how many items each of its containers works on at once (default: 1)",
        COUNT,
    ),
    Option("seed", "KIND", "what its queue in Redis is: list or stream (default: list)", TEXT),
    Option("stream-group", "NAME", "the group that reads the stream (default: workers)", TEXT),
    Option("stream-field", "NAME", "the field of an entry that has the item (default: item)", TEXT),
    Option(
        "keeps",
        "KEYS",
        "keys that it leaves in Redis on purpose, as stats:*,results, or none",
        LISTED,
    ),
    Option(
        "max-attempts",
        "N",
        "how often an item may be tried that kills its worker (default: 5)",
        COUNT,
    ),
    Option(
        "patience",
        "SECONDS",
        "how long a worker without work is watched for leaving too early (default: 20 to 30)",
        NUMBER,
    ),
    Option("profile", "|".join(LEVELS), f"how much is asked (default: {LEVELS[0]})", LEVEL),
    Option("timeout-factor", "N", "multiplies every bound (default: 1)", NUMBER),
    Option(
        "max-duration",
        "SECONDS",
        "ends the check, with what was proved by then (default: 900)",
        NUMBER,
    ),
    Option("provider", "NAME", "where the cluster comes from (default: kind)"),
    Option("cluster", "NAME", "name of the cluster"),
    Option("spare-node", "yes|no", "a cluster with one node more, which may be lost (default: no)"),
    Option("keep", "WHEN", "keep the cluster: never, failed or always (default: never)"),
    Option("images", "SOURCE", "where images come from: auto, registry, packages or archive"),
    Option("archive", "FILE", "file made by `queuejob images save`"),
    Option("image-refs", "FILE", "YAML file, recipe: reference by digest"),
    Option("out", "DIR", "folder for the report, histories and logs (default: queuejob-out)"),
)
#: Options that may be given several times.
REPEATABLE = (
    Option(
        "env",
        "NAME=VALUE",
        "for the worker; {host}, {port}, {queue}, {url} are the broker's",
        TABLE,
    ),
    Option(
        "queue-args",
        "NAME=VALUE",
        "an argument of its queue in RabbitMQ, as x-queue-type=quorum",
        ARGUMENTS,
    ),
    Option("accept-unproved", "IDS", "invariants, as S11,S3, that need not be proved", IDS),
)


def command(
    value: Callable[[str], str | None], values: Callable[[str], list[str]], *, redact: bool
) -> str:
    """Return the command that runs the same check, without secret environment values.

    `redact`: also without the failing item, as an option and in environment values.
    """
    words = ["queuejob", "check"]
    failing = value("failing-item") if redact else None
    for option in OPTIONS:
        if (given := value(option.name)) is not None:
            hidden = failing is not None and option.name == "failing-item"
            words += [f"--{option.name}", masking.HIDDEN if hidden else given]
    for option in REPEATABLE:
        for given in values(option.name):
            key, equals, rest = given.partition("=")
            shown = masking.HIDDEN if failing and failing in rest else rest
            secret = equals and option.name == "env"
            kept = f"{key}={masking.variable(key, shown)}" if secret else given
            words += [f"--{option.name}", kept]
    return shlex.join([*words, *(["--redact"] if redact else [])])
