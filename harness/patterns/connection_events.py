"""Records of connections, as the history has them: with the tap's moment, from the run's start."""

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

#: What the tap tells of connections, whatever the protocol.
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
    """The record, at a moment in seconds since the start."""
    return msgspec.structs.replace(record, at=at)
