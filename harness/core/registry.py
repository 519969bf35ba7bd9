"""Typed registries: the modules of one package, and the entry points that other packages add.

A module takes part under its file name, by an attribute with an agreed name. An entry point takes
part under its own name. Two objects with the same name are an error, wherever they come from.
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
    """All objects of one kind, by name.

    `package` is scanned for modules; `packages_only` leaves out those that are no package.
    `attribute` is what each module calls its object. `group` is the entry-point group.
    """

    #: For messages, in the plural: "scenarios".
    kind: str
    package: str
    attribute: str
    group: str
    packages_only: bool = False

    def names(self) -> list[str]:
        """All names, sorted. Raises `UsageError` where two objects have the same name."""
        return sorted([*self._modules(), *self._entry_points()])

    def get(self, name: str) -> T:
        """Return the object with this name; `UsageError` names those that exist."""
        added = self._entry_points()
        if name in added:
            loaded: T = added[name].load()
            return loaded
        if name in self._modules():
            found: T = getattr(importlib.import_module(f"{self.package}.{name}"), self.attribute)
            return found
        known = self.names()
        close = get_close_matches(name, known, n=1)
        raise UsageError(
            f"there is no {name!r} among the {self.kind}",
            expected=f"one of {', '.join(known)}",
            seen=name,
            todo=f"did you mean {close[0]!r}?" if close else "",
        )

    def all(self) -> dict[str, T]:
        """Every object, by its name, in the order of the names."""
        return {name: self.get(name) for name in self.names()}

    def summary(self, name: str) -> str:
        """The first line of the docstring of the module that has this object."""
        added = self._entry_points().get(name)
        module = importlib.import_module(added.module if added else f"{self.package}.{name}")
        return (module.__doc__ or "").strip().partition("\n")[0]

    def _modules(self) -> list[str]:
        package = importlib.import_module(self.package)
        return [
            module.name
            for module in pkgutil.iter_modules(package.__path__)
            if not module.name.startswith("_") and (module.ispkg or not self.packages_only)
        ]

    def _entry_points(self) -> dict[str, EntryPoint]:
        added = _entry_points(self.group)
        origins = {name: [f"the module {self.package}.{name}"] for name in self._modules()}
        for point in added:
            origin = f"the entry point {point.value!r} of {_distribution(point)}"
            origins.setdefault(point.name, []).append(origin)
        for name, places in origins.items():
            if len(places) > 1:
                raise UsageError(
                    f"two of the {self.kind} are called {name!r}",
                    expected="a name for one object only",
                    seen=" and ".join(places),
                    todo=f"rename the entry point in the group {self.group}, or uninstall it",
                )
        return {point.name: point for point in added}


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown distribution"


@cache
def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Read once: they stand in files of every distribution that is installed."""
    return tuple(entry_points(group=group))
