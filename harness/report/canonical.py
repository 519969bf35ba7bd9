"""Bytes and digests of a report. The same report gives the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from harness.core.errors import QueuejobError
from harness.report.model import Report

#: Largest report.json that is read, in bytes; a complete profile needs far less.
MAX_REPORT = 64 * 1024 * 1024


class BrokenReport(QueuejobError):
    """A file is not a report, or is a report of another version."""


def digest(data: bytes) -> str:
    """Return the SHA-256 of the data as `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{sha256(data).hexdigest()}"


def canonical(report: Report) -> bytes:
    """Encode the report without its own digest: compact JSON, keys sorted."""
    bare = msgspec.structs.replace(report, report_digest="")
    return msgspec.json.encode(bare, order="sorted")


def sealed(report: Report) -> Report:
    """Return the report with its digest filled in."""
    return msgspec.structs.replace(report, report_digest=digest(canonical(report)))


def required_digest(ids: Iterable[str]) -> str:
    """Return the digest over the ids of the tests that have to be run."""
    return digest("\n".join(sorted(ids)).encode())


def encode(report: Report) -> bytes:
    """Encode `report.json`, indented so that people can read it."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def decode(data: bytes, name: str = "the report") -> Report:
    """Decode a `report.json`. Raises `BrokenReport`."""
    if len(data) > MAX_REPORT:
        raise BrokenReport(f"{name} is no report", expected=f"up to {MAX_REPORT} bytes")
    try:
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenReport(
            f"{name} is no report that this version reads",
            expected="a report.json as `queuejob check` writes it",
            seen=str(error),
            todo="read it with the version that it names, or run `queuejob check` again",
        ) from None
