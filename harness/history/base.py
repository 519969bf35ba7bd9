"""What all records of a history are made of."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

#: Where bytes go: a command towards the broker, a reply or a delivery towards the client.
Towards = Literal["broker", "client"]

Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Immutable, and read back strictly."""


class Worker(Record, frozen=True):
    """One run of one container: pod uid, and how often that container was restarted before."""

    pod: str
    run: Count = 0
