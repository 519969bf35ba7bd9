"""The published schema of the report is that of its types."""

from __future__ import annotations

from harness.report.schema import FILE, schema


def test_the_schema_has_not_changed_unnoticed() -> None:
    """Changed on purpose: run `python -m harness.report.schema` and tell it in the changelog."""
    assert FILE.read_bytes() == schema()
