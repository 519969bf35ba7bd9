"""Typed registries: the modules of one package, and the entry points of other packages.

A module is registered under its file name, by an attribute with an agreed name. An entry point is
registered under its own name. Two objects with the same name are an error, also where they come
from different sources.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from harness.core.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All objects of one kind, by name."""

    #: Plural, for messages: "scenarios".
    kind: str
    #: The package to scan for modules.
    package: str
    #: Name of the attribute that holds the object of each module.
    attribute: str
    #: The entry-point group.
    group: str
    #: Skip modules that are not packages.
    packages_only: bool = False

    def names(self) -> list[str]:
        """Return all names, sorted; raises `UsageError` where two objects have the same name."""
        return sorted([*self._modules(), *self._entry_points()])

    def get(self, name: str) -> T:
        """Return the object with this name; `UsageError` lists the existing names."""
        entry_points_by_name = self._entry_points()
        if name in entry_points_by_name:
            loaded: T = entry_points_by_name[name].load()
            return loaded
        if name in self._modules():
            attribute: T = getattr(
                importlib.import_module(f"{self.package}.{name}"), self.attribute
            )
            return attribute
        names = self.names()
        close = get_close_matches(name, names, n=1)
        raise UsageError(
            f"there is no {name!r} among the {self.kind}",
            expected=f"one of {', '.join(names)}",
            seen=name,
            todo=f"did you mean {close[0]!r}?" if close else "",
        )

    def all(self) -> dict[str, T]:
        """Return every object by its name, in the order of the names."""
        return {name: self.get(name) for name in self.names()}

    def summary(self, name: str) -> str:
        """Return the first docstring line of the module that holds this object."""
        entry_point = self._entry_points().get(name)
        module = importlib.import_module(
            entry_point.module if entry_point else f"{self.package}.{name}"
        )
        return (module.__doc__ or "").strip().partition("\n")[0]

    def _modules(self) -> tuple[str, ...]:
        return _module_names(self.package, self.packages_only)

    def _entry_points(self) -> dict[str, EntryPoint]:
        points = _entry_points(self.group)
        origins = {name: [f"the module {self.package}.{name}"] for name in self._modules()}
        for point in points:
            origin = f"the entry point {point.value!r} of {_distribution(point)}"
            origins.setdefault(point.name, []).append(origin)
        for name, origins_of_name in origins.items():
            if len(origins_of_name) > 1:
                raise UsageError(
                    f"two of the {self.kind} are called {name!r}",
                    expected="a name for one object only",
                    seen=" and ".join(origins_of_name),
                    todo=f"rename the entry point in the group {self.group}, or uninstall it",
                )
        return {point.name: point for point in points}


@cache
def _module_names(package: str, packages_only: bool) -> tuple[str, ...]:
    """Return the public modules of a package, cached: each read scans its folder."""
    scanned = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return tuple(
        module.name
        for module in scanned
        if not module.name.startswith("_") and (module.ispkg or not packages_only)
    )


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown distribution"


@cache
def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, cached: each read scans all installed distributions."""
    return tuple(entry_points(group=group))
