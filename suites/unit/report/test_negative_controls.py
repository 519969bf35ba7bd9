"""What a report says of workers with known defects is what a run has shown, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness import __version__
from harness.checks.levels import Level
from harness.report.model import NegativeControl
from harness.report.negative_controls import of_matrix
from harness.suites.mutants.matrix import Line, Matrix


def line(worker: str, must: list[str], **cells: Any) -> Line:
    return Line(worker, not must, must, [], ["fault_free"], cells)


def matrix(version: str = __version__) -> bytes:
    """As `tox -e mutants` leaves it."""
    lines = [
        line("reference-fine", [], S1="held"),
        line("fine-ack-first", ["S3"], S3="found", L1="follows", S4="follows", S2="held"),
        line("fine-forks", ["S1"], S1="missed", S2="strange"),
        line("fine-shares-leases", ["S4"], S4="found"),
        line("shell-coarse-crash", ["S11"], S11="found"),
    ]
    return msgspec.json.encode(Matrix("tox -e mutants", version, 1, 1, ["S1"], lines))


@pytest.mark.parametrize(
    ("pattern", "level", "expected"),
    [
        (
            "fine",
            "core",
            [("fine-ack-first", ("S3",), ("S3", "L1")), ("fine-forks", ("S1",), ("S2",))],
        ),
        (
            "fine",
            "extended",
            [
                ("fine-ack-first", ("S3",), ("S3", "S4", "L1")),
                ("fine-forks", ("S1",), ("S2",)),
                ("fine-shares-leases", ("S4",), ("S4",)),
            ],
        ),
        ("coarse", "core", [("shell-coarse-crash", ("S11",), ("S11",))]),
    ],
)
def test_those_of_the_pattern_and_the_profile(
    pattern: str, level: Level, expected: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    assert list(of_matrix(matrix(), pattern, level)) == [
        NegativeControl(image=f"recipe:{name}", must_fail=must, did_fail=did)
        for name, must, did in expected
    ]


def test_nothing_is_claimed_of_another_version() -> None:
    assert of_matrix(matrix("0.0.1"), "fine", "core") == ()
