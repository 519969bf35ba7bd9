"""The report's JSON Schema; after a change `python -m harness.report.schema` rewrites it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.report.model import Report

#: The published schema.
FILE = Path(__file__).with_name("report.schema.json")


def schema() -> bytes:
    """Generate the JSON Schema of `report.json` from the types."""
    document = msgspec.json.schema(Report)
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"


if __name__ == "__main__":
    FILE.write_bytes(schema())
