"""`queuejob list`: what there is of a kind, a line each, as it says of itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.checks.invariant import INVARIANTS, sort_key
from harness.checks.levels import LEVELS
from harness.checks.plan import SCENARIOS
from harness.core.errors import EXIT_OK
from harness.core.registry import Registry
from harness.engine.fault import FAULTS
from harness.patterns.base import PATTERNS

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
    known = INVARIANTS.all()
    for name, invariant in sorted(known.items(), key=lambda pair: sort_key(pair[1].id)):
        summary = _summary(INVARIANTS, name, invariant.id)
        patterns = ", ".join(invariant.patterns)
        yield invariant.id, invariant.name, invariant.level, patterns, summary


def _faults() -> Iterable[Row]:
    rows = ((fault.name, _summary(FAULTS, name)) for name, fault in FAULTS.all().items())
    return sorted(rows, key=lambda row: row[0].lower())


def _patterns() -> Iterable[Row]:
    for name, pattern in PATTERNS.all().items():
        yield pattern.name, _summary(PATTERNS, name, pattern.name.capitalize())


def _scenarios() -> Iterable[Row]:
    known = SCENARIOS.all().values()
    for scenario in sorted(known, key=lambda each: (LEVELS.index(each.level), each.name)):
        yield scenario.name, scenario.level, ", ".join(sorted(scenario.proves)), scenario.says


def _summary(registry: Registry[Any], name: str, head: str = "") -> str:
    """The first line of a module's docstring, without its full stop and the name before it."""
    return registry.summary(name).removeprefix(f"{head}: ").removesuffix(".")


_ROWS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "invariants": _invariants,
    "faults": _faults,
    "patterns": _patterns,
    "scenarios": _scenarios,
}
