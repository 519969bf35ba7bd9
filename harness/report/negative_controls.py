"""Negative controls: workers with known defects, and what this version was seen to find of them.

They are not run with each check: `tox -e mutants` runs them all, and `negative_controls.json` is
the matrix that it wrote. Where that is of another version, or missing, nothing is claimed.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec

from harness import __version__
from harness.checks.judge import invariants
from harness.checks.levels import Level, within
from harness.report.model import NegativeControl

_MATRIX = files("harness.report") / "negative_controls.json"
#: The states of a matrix' cell that say that an invariant was found broken by the worker.
_BROKEN = ("found", "follows", "strange")


class _Line(msgspec.Struct, frozen=True):
    worker: str
    must: tuple[str, ...]
    cells: dict[str, str]


class _Matrix(msgspec.Struct, frozen=True):
    """What is needed of it."""

    version: str
    lines: tuple[_Line, ...]


def negative_controls(pattern: str, level: Level) -> tuple[NegativeControl, ...]:
    """Those of a pattern that a profile has to find; none where no run of this version is known."""
    if not _MATRIX.is_file():
        return ()
    return of_matrix(_MATRIX.read_bytes(), pattern, level)


def of_matrix(data: bytes, pattern: str, level: Level) -> tuple[NegativeControl, ...]:
    """The same, of a `matrix.json`."""
    matrix = msgspec.json.decode(data, type=_Matrix)
    if matrix.version != __version__:
        return ()
    asked = [one.id for one in invariants() if within(one.level, level)]
    return tuple(
        NegativeControl(
            image=f"recipe:{line.worker}",
            must_fail=must,
            did_fail=tuple(one for one in asked if line.cells.get(one) in _BROKEN),
        )
        for line in matrix.lines
        if ("coarse" in line.worker) == (pattern == "coarse")
        and (must := tuple(one for one in asked if one in line.must))
    )
