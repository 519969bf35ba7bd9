"""Base types of all records of a history."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

#: Direction of bytes: a command goes to the broker, a reply or a delivery to the client.
Towards = Literal["broker", "client"]

Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Immutable record; decoding rejects unknown fields."""


class Worker(Record, frozen=True):
    """One run of one container."""

    #: The pod's uid.
    pod: str
    #: Number of restarts of the container before this run.
    run: Count = 0
