"""`[tool.queuejob]` of a pyproject.toml: the options that a project sets for its worker.

The command line wins. Environment variables (`env`) are merged one by one, not as a list.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from harness.core.errors import UsageError
from harness.engine.worker.options import OPTIONS, REPEATABLE

_FILE = "pyproject.toml"
_KINDS = {one.name: one.kind for one in (*OPTIONS, *REPEATABLE) if one.kind is not None}
_NOT_IN_FILE = {one.name for one in (*OPTIONS, *REPEATABLE) if one.kind is None}
_ENV = "env"


@dataclass(frozen=True)
class Project:
    """The options in a file, each with its values for the command line."""

    path: Path
    options: Mapping[str, tuple[str, ...]]

    def missing(self, given: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the options (name, value) that the file sets and that are not `given`.

        `given` has the options by name: a list for those of `REPEATABLE`, None without a value.
        """
        options = []
        for name, values in self.options.items():
            current = given.get(name)
            if name == _ENV:
                known = {value.partition("=")[0] for value in current or ()}
                values = tuple(pair for pair in values if pair.partition("=")[0] not in known)  # noqa: PLW2901  # the remaining values
            elif current not in (None, []):
                continue
            options += [(name, value) for value in values]
        return options


def missing(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the options that the project file sets and that are not `given`.

    Prints the names of these options. `given` is as in `Project.missing`. Raises `UsageError` for a
    file with impossible values.
    """
    project = find(Path.cwd())
    if project is None:
        return []
    options = project.missing(given)
    names = dict.fromkeys(name for name, _ in options)
    print(f"queuejob: from {project.path}: {', '.join(names) or 'nothing'}", file=sys.stderr)
    return options


def find(folder: Path) -> Project | None:
    """Find the nearest file, in this folder or above it, with a `[tool.queuejob]`."""
    for directory in (folder, *folder.parents):
        path = directory / _FILE
        if path.is_file() and (section := _section(path)) is not None:
            return Project(path, {name: _cli_values(path, name, section[name]) for name in section})
    return None


def _section(path: Path) -> Mapping[str, Any] | None:
    """Return the table `[tool.queuejob]`, or None if the file has none."""
    try:
        with path.open("rb") as file:
            tools = tomllib.load(file).get("tool")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read", expected="TOML", seen=str(error)) from None
    section = tools.get("queuejob") if isinstance(tools, dict) else None
    if section is not None and not isinstance(section, dict):
        raise UsageError(
            f"{path}: tool.queuejob is no table", expected="[tool.queuejob]", seen=f"{section!r}"
        )
    return section


def _cli_values(path: Path, name: str, value: Any) -> tuple[str, ...]:
    """Convert one option to values for the command line; `value` is any TOML value."""
    if name in _NOT_IN_FILE:
        raise UsageError(
            f"{path}: {name} in [tool.queuejob] says nothing of the worker",
            expected=_one_of(_KINDS),
            seen=name,
            todo=f"give --{name} on the command line",
        )
    if name not in _KINDS:
        close = get_close_matches(name, _KINDS, n=1)
        raise UsageError(
            f"{path}: there is no {name!r} in [tool.queuejob]",
            expected=_one_of(_KINDS),
            seen=name,
            todo=f"did you mean {close[0]!r}?" if close else "",
        )
    kind = _KINDS[name]
    values = kind.to_cli(value, path.parent)
    if values is None:
        # A value of `env` may be a secret: the message shows only its type.
        seen = type(value).__name__ if name == _ENV else f"{value!r:.200}"
        raise UsageError(
            f"{path}: {name} in [tool.queuejob] cannot be this", expected=kind.says, seen=seen
        )
    return tuple(values)


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(sorted(names))}"
