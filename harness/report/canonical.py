"""Bytes and digests of a report: the same report gives the same bytes, wherever it is written."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from harness.core.errors import QueuejobError
from harness.report.model import Report

#: Bytes of a report.json that is read; the reports of whole profiles are far smaller.
MAX_REPORT = 64 * 1024 * 1024


class BrokenReport(QueuejobError):
    """A file is no report, or one of another version."""


def digest(data: bytes) -> str:
    """`sha256:` and 64 digits."""
    return f"sha256:{sha256(data).hexdigest()}"


def canonical(report: Report) -> bytes:
    """The report without its own digest: compact JSON, keys sorted."""
    bare = msgspec.structs.replace(report, report_digest="")
    return msgspec.json.encode(bare, order="sorted")


def sealed(report: Report) -> Report:
    """The report with its digest."""
    return msgspec.structs.replace(report, report_digest=digest(canonical(report)))


def required_digest(ids: Iterable[str]) -> str:
    """The digest over the ids of the tests that have to be run."""
    return digest("\n".join(sorted(ids)).encode())


def encode(report: Report) -> bytes:
    """`report.json`, for people too."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def decode(data: bytes, name: str = "the report") -> Report:
    """The report in a `report.json`; raises `BrokenReport`."""
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
