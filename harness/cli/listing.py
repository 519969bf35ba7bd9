"""`queuejob list`: one line for each object of a kind, from its own description."""

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

#: The cells of a line, from left to right.
Row = tuple[str, ...]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's only argument."""
    parser.add_argument("what", choices=[*_ROWS], metavar="|".join(_ROWS))
    parser.set_defaults(run=_run)


def lines(rows: Iterable[Row]) -> list[str]:
    """Align the rows in columns."""
    all_rows = [*rows]
    widths = [max(map(len, column)) for column in zip(*all_rows, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in all_rows
    )
    return [line.rstrip() for line in padded]


def _run(options: argparse.Namespace) -> int:
    print("\n".join(lines(_ROWS[options.what]())))
    return EXIT_OK


def _invariants() -> Iterable[Row]:
    by_name = INVARIANTS.all()
    for name, invariant in sorted(by_name.items(), key=lambda pair: sort_key(pair[1].id)):
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
    declarations = SCENARIOS.all().values()
    for scenario in sorted(
        declarations, key=lambda declaration: (LEVELS.index(declaration.level), declaration.name)
    ):
        yield scenario.name, scenario.level, ", ".join(sorted(scenario.proves)), scenario.says


def _summary(registry: Registry[Any], name: str, head: str = "") -> str:
    """Return the first line of a module's docstring, without `head` and the full stop."""
    return registry.summary(name).removeprefix(f"{head}: ").removesuffix(".")


_ROWS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "invariants": _invariants,
    "faults": _faults,
    "patterns": _patterns,
    "scenarios": _scenarios,
}
