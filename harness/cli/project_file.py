"""`[tool.queuejob]` of a pyproject.toml: what a project says of its worker once and for all.

What stands on the command line wins: of the environment each variable by itself.
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
_OTHERS = {one.name for one in (*OPTIONS, *REPEATABLE) if one.kind is None}
_ENV = "env"


@dataclass(frozen=True)
class Project:
    """What a file says: options, each with its words for the command line."""

    path: Path
    said: Mapping[str, tuple[str, ...]]

    def missing(self, given: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Option and word for all that is said here and not `given`.

        By the names of the options: a list for those of `REPEATABLE`, None where there is none.
        """
        found = []
        for name, words in self.said.items():
            there = given.get(name)
            if name == _ENV:
                known = {word.partition("=")[0] for word in there or ()}
                words = tuple(one for one in words if one.partition("=")[0] not in known)  # noqa: PLW2901  # the rest of them
            elif there not in (None, []):
                continue
            found += [(name, word) for word in words]
        return found


def missing(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is not `given` and said by the project that we are in; tells which options that are.

    `given` as in `Project.missing`. Raises `UsageError` for a file that says what cannot be.
    """
    project = find(Path.cwd())
    if project is None:
        return []
    found = project.missing(given)
    names = dict.fromkeys(name for name, _ in found)
    print(f"queuejob: from {project.path}: {', '.join(names) or 'nothing'}", file=sys.stderr)
    return found


def find(folder: Path) -> Project | None:
    """The nearest file, in this folder or above it, that has a `[tool.queuejob]`."""
    for place in (folder, *folder.parents):
        path = place / _FILE
        if path.is_file() and (section := _section(path)) is not None:
            return Project(path, {name: _words(path, name, section[name]) for name in section})
    return None


def _section(path: Path) -> Mapping[str, Any] | None:
    """None where there is none."""
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


def _words(path: Path, name: str, value: Any) -> tuple[str, ...]:
    """Any: whatever TOML can hold."""
    if name in _OTHERS:
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
    words = kind.to_cli(value, path.parent)
    if words is None:
        # What is an environment's may be a secret: of that only the type is told.
        seen = type(value).__name__ if name == _ENV else f"{value!r:.200}"
        raise UsageError(
            f"{path}: {name} in [tool.queuejob] cannot be this", expected=kind.says, seen=seen
        )
    return tuple(words)


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(sorted(names))}"
