"""The report's JSON Schema; `python -m harness.report.schema` writes it anew after a change."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.report.model import Report

#: The published one.
FILE = Path(__file__).with_name("report.schema.json")


def schema() -> bytes:
    """The JSON Schema of `report.json`, made from the types."""
    made = msgspec.json.schema(Report)
    return msgspec.json.format(msgspec.json.encode(made, order="sorted"), indent=2) + b"\n"


if __name__ == "__main__":
    FILE.write_bytes(schema())
