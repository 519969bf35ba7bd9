"""Name → object: modules of a package, and entry points that other distributions add.

A module of a scanned package takes part under its own file name, by an attribute of one agreed
name; an entry point in the group `queuejob.<kind>` does so under the entry point's name.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from harness.errors import UsageError


def names(kind: str) -> list[str]:
    """The names that `lookup(kind, …)` knows; `kind` is a folder of harness, as `providers`."""
    package = importlib.import_module(f"harness.{kind}")
    own = [module.name for module in pkgutil.iter_modules(package.__path__)]
    added = [point.name for point in _points(kind)]
    return sorted({name for name in [*own, *added] if not name.startswith("_")})


def lookup(kind: str, name: str, attribute: str) -> Any:
    """The attribute of the module (or entry point) `name`; `UsageError` names those there are."""
    known = names(kind)
    if name not in known:
        close = get_close_matches(name, known, n=1)
        raise UsageError(
            f"there is no {name!r} among the {kind}",
            expected=f"one of {', '.join(known)}",
            seen=name,
            todo=f"did you mean {close[0]!r}?" if close else "",
        )
    for point in _points(kind):
        if point.name == name:
            return point.load()
    return getattr(importlib.import_module(f"harness.{kind}.{name}"), attribute)


def said(kind: str, name: str) -> str:
    """What a module of `kind` (or where an entry point leads) says of itself, in a sentence."""
    point = next((one for one in _points(kind) if one.name == name), None)
    module = importlib.import_module(point.module if point else f"harness.{kind}.{name}")
    return (module.__doc__ or "").strip().partition("\n")[0]


@cache
def _points(kind: str) -> EntryPoints:
    """Found once: they stand in files of every distribution that is installed."""
    return entry_points(group=f"queuejob.{kind}")
