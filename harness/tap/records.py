"""The messages on the wire, one record each; connections use the events of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from harness.history import (
    BrokerBack,
    BrokerLost,
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionRefused,
    ConnectionReleased,
    Gap,
    NotUnderstood,
    Towards,
)


class ErrorReply(Exception):
    """An error reply of Redis: a value like any other, never raised."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ErrorReply) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


class Command(msgspec.Struct, frozen=True, gc=False, tag="command"):
    """A Redis command, without passwords."""

    connection: int
    #: Counts the commands of the connection.
    number: int
    words: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """The command name in capitals; empty for a command that could not be read."""
        return self.words[0].upper().decode("latin-1") if self.words else ""


class Reply(msgspec.Struct, frozen=True, gc=False, tag="reply"):
    """A reply of Redis."""

    connection: int
    command: Command
    #: Bytes, a number, None, a list, a dict or an `ErrorReply`.
    value: Any
    #: For a reply to EXEC: the commands of the transaction, in the order of the values.
    queued: tuple[Command, ...] = ()


class Push(msgspec.Struct, frozen=True, gc=False, tag="push"):
    """An unrequested message of Redis: published, subscription confirmed, or a MONITOR line."""

    connection: int
    value: Any


class Method(msgspec.Struct, frozen=True, gc=False, tag="method"):
    """An AMQP method."""

    connection: int
    towards: Towards
    channel: int
    #: As "Queue.Declare".
    name: str
    fields: Mapping[str, Any]
    properties: Mapping[str, Any] = {}
    #: The content, where the method carries content.
    body: bytes | None = None


class Delivery(msgspec.Struct, frozen=True, gc=False, tag="delivery"):
    """RabbitMQ delivered a message."""

    connection: int
    channel: int
    tag: int
    queue: str
    body: bytes
    properties: Mapping[str, Any]
    redelivered: bool
    #: RabbitMQ forgot the message with this delivery.
    no_ack: bool
    #: Empty for a message that was fetched with Basic.Get.
    consumer: str = ""


class Settlement(msgspec.Struct, frozen=True, gc=False, tag="settlement"):
    """A worker settles deliveries: all that its method covers, with `multiple` resolved."""

    connection: int
    channel: int
    tags: tuple[int, ...]
    how: Literal["ack", "nack", "reject", "recover"]
    requeue: bool = False
    #: Body of the delivery of each tag; None where nothing was delivered with this tag, or where
    #: the body was too large to remember.
    bodies: tuple[bytes | None, ...] = ()
    #: Queue of the delivery of each tag; "" where it is not known.
    queues: tuple[str, ...] = ()


class Commit(msgspec.Struct, frozen=True, gc=False, tag="commit"):
    """A worker commits an AMQP transaction; its settlements and messages take effect here.

    Before the commit, the content of a transaction makes no record. A body too long to keep is
    None.
    """

    connection: int
    channel: int
    settlements: tuple[Settlement, ...] = ()
    published: tuple[Method, ...] = ()


Message = Command | Reply | Push | Method | Delivery | Settlement | Commit | NotUnderstood


class Monitored(msgspec.Struct, frozen=True, gc=False, tag="monitored"):
    """A line of Redis' MONITOR: a command that Redis ran, in the server's order."""

    #: Seconds since 1970, by Redis' clock.
    at: float
    #: "ip:port", "unix:PATH", or "lua" for a command of the script that precedes it.
    client: str
    db: int
    words: tuple[bytes, ...]


class Effect(msgspec.Struct, frozen=True, gc=False, tag="effect"):
    """A command from the replica link: a change that Redis made, in the server's order."""

    words: tuple[bytes, ...]


class Tick(msgspec.Struct, frozen=True, gc=False, tag="tick"):
    """The tap's own marker, at the same position of the server's order in both streams."""

    number: int
    where: Literal["monitor", "replica"]


class RawFeedData(msgspec.Struct, frozen=True, gc=False, tag="unread"):
    """Data of one of these two links, complete lines or complete commands, to be parsed later.

    It exists only between the tap and its client: parsing takes longer than forwarding, and workers
    would have to wait.
    """

    where: Literal["monitor", "replica"]
    data: bytes


#: What Redis itself reports. Gap: one of these links, or the buffer for records, is lost.
Broker = Monitored | Effect | Tick | Gap | BrokerLost | BrokerBack

Record = (
    Message
    | Broker
    | ConnectionOpened
    | ConnectionRefused
    | ConnectionHeld
    | ConnectionReleased
    | ConnectionCut
    | ConnectionClosed
)


class Sink(Protocol):
    """Receives the records in the order of the wire, in the tap's loop: it must not block.

    A message of a worker is recorded when it goes on to the broker, a message of the broker when it
    arrives at the tap. An error in a sink ends the connection: nothing passes unrecorded.
    """

    def __call__(self, record: Record | RawFeedData) -> None: ...


class Chunk(NamedTuple):
    """Some bytes, and the message that they complete, if there is one."""

    raw: bytes
    message: Message | None = None
    #: It may pass while other chunks are held: a heartbeat.
    overtakes: bool = False
