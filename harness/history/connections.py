"""Connections between workers and broker, and what the tap does to them.

The field `at` is in seconds since the start of the run, by the tap's clock.
"""

from __future__ import annotations

from typing import Literal

from harness.history.base import Count, Record, Towards, Worker
from harness.history.payload import Payload


class ConnectionOpened(Record, frozen=True, tag="connection_opened"):
    """A client connected to the broker."""

    #: The tap's number of the connection.
    connection: int
    address: str
    port: int
    #: The address of the client as the broker sees it, IP:PORT.
    broker_side: str = ""
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class ConnectionRefused(Record, frozen=True, tag="connection_refused"):
    """A client could not connect to the broker; `why` is the reason."""

    connection: int
    address: str
    port: int
    why: str
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class ConnectionOwner(Record, frozen=True, tag="connection_owner"):
    """The worker that owns a connection, from the first moment of the connection on."""

    connection: int
    worker: Worker


class ConnectionHeld(Record, frozen=True, tag="connection_held"):
    """From this event on the tap holds all messages in this direction."""

    connection: int
    towards: Towards
    #: Name of the breakpoint's point; empty where the harness asked for the hold directly.
    point: str = ""
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class ConnectionReleased(Record, frozen=True, tag="connection_released"):
    """The tap forwards the held messages."""

    connection: int
    towards: Towards
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class ConnectionCut(Record, frozen=True, tag="connection_cut"):
    """The tap broke a connection."""

    connection: int
    #: Bytes that the tap did not forward to the broker.
    lost_to_broker: Count = 0
    #: Bytes that the tap did not forward to the client.
    lost_to_client: Count = 0
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class ConnectionClosed(Record, frozen=True, tag="connection_closed"):
    """A connection ended."""

    connection: int
    #: The side that ended it.
    by: Literal["client", "broker", "tap"]
    error: str = ""
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class RequestRefused(Record, frozen=True, tag="request_refused"):
    """The broker refused a request of a client, and closed the channel or the connection."""

    connection: int
    #: The broker's reply code.
    code: int
    #: The broker's reply text.
    why: str
    #: The method that the broker refused.
    method: str = ""
    #: Name of the queue that the client wanted to declare, where it was a declaration.
    queue: str = ""
    #: The arguments of that declaration, in the form of `--queue-args`.
    wanted: tuple[str, ...] = ()
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class NotUnderstood(Record, frozen=True, tag="not_understood"):
    """The tap forwarded bytes or a command that it could not read."""

    connection: int
    towards: Towards
    why: str
    #: The first bytes.
    sample: Payload
    #: Number of all these bytes.
    length: Count
    #: Its interpretation is a guess, and proves nothing either way.
    guessed: bool = False
    #: The items that it may concern; empty: it may concern all items.
    items: tuple[Payload, ...] = ()
