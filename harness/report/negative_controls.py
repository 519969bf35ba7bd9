"""Negative controls: workers with known defects, and what this version found in them.

A check does not run them. `tox -e mutants` runs them all and writes the matrix
`negative_controls.json`. If that file is missing or comes from another version, the report
claims nothing.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec

from harness import __version__
from harness.checks.judge import invariants
from harness.checks.levels import Level, within
from harness.report.model import NegativeControl

_MATRIX = files("harness.report") / "negative_controls.json"
#: States of a matrix cell that mean: the worker was found to break the invariant.
_BROKEN = ("found", "follows", "strange")


class _Line(msgspec.Struct, frozen=True):
    worker: str
    must: tuple[str, ...]
    cells: dict[str, str]


class _Matrix(msgspec.Struct, frozen=True):
    """The fields of the matrix that are needed here."""

    version: str
    lines: tuple[_Line, ...]


def negative_controls(pattern: str, level: Level) -> tuple[NegativeControl, ...]:
    """Return the negative controls of a pattern that a profile has to detect.

    Empty if no run of this version is known.
    """
    if not _MATRIX.is_file():
        return ()
    return of_matrix(_MATRIX.read_bytes(), pattern, level)


def of_matrix(data: bytes, pattern: str, level: Level) -> tuple[NegativeControl, ...]:
    """Do the same as `negative_controls`, from the content of a `matrix.json`."""
    matrix = msgspec.json.decode(data, type=_Matrix)
    if matrix.version != __version__:
        return ()
    asked = [invariant.id for invariant in invariants() if within(invariant.level, level)]
    return tuple(
        NegativeControl(
            image=f"recipe:{line.worker}",
            must_fail=must,
            did_fail=tuple(
                invariant for invariant in asked if line.cells.get(invariant) in _BROKEN
            ),
        )
        for line in matrix.lines
        if ("coarse" in line.worker) == (pattern == "coarse")
        and (must := tuple(invariant for invariant in asked if invariant in line.must))
    )
