"""`queuejob list`: what there is of a kind, a line each, as it says of itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness import registry
from harness.errors import EXIT_OK
from harness.faults import Fault, Outage
from harness.invariants import Invariant, place
from harness.patterns import Pattern
from harness.scenario import LEVELS
from harness.stage import Scenario

HELP = "all invariants, faults, patterns or scenarios, a line each"

#: What a line tells, from left to right.
Row = tuple[str, ...]


def add(parser: argparse.ArgumentParser) -> None:
    """The command's one argument."""
    parser.add_argument("what", choices=[*_ROWS], metavar="|".join(_ROWS))
    parser.set_defaults(run=_run)


def lines(rows: Iterable[Row]) -> list[str]:
    """The rows below each other, in columns."""
    known = [*rows]
    widths = [max(map(len, column)) for column in zip(*known, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in known
    )
    return [one.rstrip() for one in padded]


def _run(options: argparse.Namespace) -> int:
    print("\n".join(lines(_ROWS[options.what]())))
    return EXIT_OK


def _invariants() -> Iterable[Row]:
    known: dict[str, Invariant] = _all("invariants", "INVARIANT")
    for name, one in sorted(known.items(), key=lambda pair: place(pair[1].id)):
        says = _says("invariants", name, one.id)
        yield one.id, one.name, one.level, ", ".join(one.patterns), says


def _faults() -> Iterable[Row]:
    known: dict[str, Fault | Outage] = _all("faults", "FAULT")
    rows = ((one.name, _says("faults", name)) for name, one in known.items())
    return sorted(rows, key=lambda row: row[0].lower())


def _patterns() -> Iterable[Row]:
    known: dict[str, Pattern] = _all("patterns", "PATTERN")
    for name, one in known.items():
        yield one.name, _says("patterns", name, one.name.capitalize())


def _scenarios() -> Iterable[Row]:
    known: dict[str, Scenario] = _all("scenarios", "SCENARIO")
    for one in sorted(known.values(), key=lambda one: (LEVELS.index(one.level), one.name)):
        yield one.name, one.level, ", ".join(sorted(one.proves)), one.says


def _all(kind: str, attribute: str) -> dict[str, Any]:
    """All objects of a kind, by the names of their modules; Any: each kind has its own type."""
    return {name: registry.lookup(kind, name, attribute) for name in registry.names(kind)}


def _says(kind: str, name: str, head: str = "") -> str:
    """What a module says of itself, without its full stop, and without the name before it."""
    return registry.said(kind, name).removeprefix(f"{head}: ").removesuffix(".")


_ROWS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "invariants": _invariants,
    "faults": _faults,
    "patterns": _patterns,
    "scenarios": _scenarios,
}
