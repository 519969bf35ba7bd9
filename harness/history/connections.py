"""Connections between workers and broker, and what the tap does to them; `at` as for items."""

from __future__ import annotations

from typing import Literal

from harness.history.base import Count, Record, Towards, Worker
from harness.history.payload import Payload


class ConnectionOpened(Record, frozen=True, tag="connection_opened"):
    """A client has reached the broker; `broker_side` is what the broker sees as its address."""

    connection: int
    address: str
    port: int
    broker_side: str = ""
    at: float | None = None


class ConnectionRefused(Record, frozen=True, tag="connection_refused"):
    """A client has not reached the broker, and why."""

    connection: int
    address: str
    port: int
    why: str
    at: float | None = None


class ConnectionOwner(Record, frozen=True, tag="connection_owner"):
    """Whose connection it is, from its first moment on."""

    connection: int
    worker: Worker


class ConnectionHeld(Record, frozen=True, tag="connection_held"):
    """From here on nothing goes on in this direction; `point` is empty when just told to."""

    connection: int
    towards: Towards
    point: str = ""
    at: float | None = None


class ConnectionReleased(Record, frozen=True, tag="connection_released"):
    """What was held goes on."""

    connection: int
    towards: Towards
    at: float | None = None


class ConnectionCut(Record, frozen=True, tag="connection_cut"):
    """The tap has broken a connection; so many bytes have not been passed on."""

    connection: int
    lost_to_broker: Count = 0
    lost_to_client: Count = 0
    at: float | None = None


class ConnectionClosed(Record, frozen=True, tag="connection_closed"):
    """A connection is over, and who ended it."""

    connection: int
    by: Literal["client", "broker", "tap"]
    error: str = ""
    at: float | None = None


class RequestRefused(Record, frozen=True, tag="request_refused"):
    """The broker has refused what a client asked for, and ended the channel or the connection.

    `code` and `why` are the broker's words, `method` what they answer. Of a queue that was to be
    declared: its name, and in `wanted` what was asked of it, as `--queue-args` has it.
    """

    connection: int
    code: int
    why: str
    method: str = ""
    queue: str = ""
    wanted: tuple[str, ...] = ()
    at: float | None = None


class NotUnderstood(Record, frozen=True, tag="not_understood"):
    """Bytes or a command were forwarded that could not be read; `sample` is how they begin.

    `items` are those that it may be about; without any it may be about all.
    """

    connection: int
    towards: Towards
    why: str
    sample: Payload
    length: Count
    #: What was made of it is a guess, and proves nothing either way.
    guessed: bool = False
    items: tuple[Payload, ...] = ()
