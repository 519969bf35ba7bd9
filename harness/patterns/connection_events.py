"""Records of connections for the history; their moments count from the run's start."""

from __future__ import annotations

import msgspec

from harness.history import (
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionRefused,
    ConnectionReleased,
)

#: Records that the tap makes of connections, for any protocol.
CONNECTION = (
    ConnectionOpened,
    ConnectionRefused,
    ConnectionHeld,
    ConnectionReleased,
    ConnectionCut,
    ConnectionClosed,
)

Connection = (
    ConnectionOpened
    | ConnectionRefused
    | ConnectionHeld
    | ConnectionReleased
    | ConnectionCut
    | ConnectionClosed
)


def relative_to_start(record: Connection, at: float) -> Connection:
    """Return the record with its moment set to `at`, in seconds since the start."""
    return msgspec.structs.replace(record, at=at)
