"""What was said on the wire, one record for each message; for connections, history's own events."""

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
    """An error that Redis replied with; a value like any other, and never raised."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ErrorReply) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


class Command(msgspec.Struct, frozen=True, gc=False, tag="command"):
    """A Redis command; `number` counts those of the connection. Passwords are left out."""

    connection: int
    number: int
    words: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """In capitals; empty for a command that could not be read."""
        return self.words[0].upper().decode("latin-1") if self.words else ""


class Reply(msgspec.Struct, frozen=True, gc=False, tag="reply"):
    """What Redis answered: bytes, numbers, None, lists, dicts or `ErrorReply`.

    `queued` are the commands of a transaction, in the order of the values, when this is EXEC's.
    """

    connection: int
    command: Command
    value: Any
    queued: tuple[Command, ...] = ()


class Push(msgspec.Struct, frozen=True, gc=False, tag="push"):
    """What Redis says unasked: a published message, a confirmed subscription, a MONITOR line."""

    connection: int
    value: Any


class Method(msgspec.Struct, frozen=True, gc=False, tag="method"):
    """An AMQP method, as "Queue.Declare"; `body` is there when it carries content."""

    connection: int
    towards: Towards
    channel: int
    name: str
    fields: Mapping[str, Any]
    properties: Mapping[str, Any] = {}
    body: bytes | None = None


class Delivery(msgspec.Struct, frozen=True, gc=False, tag="delivery"):
    """RabbitMQ has handed out a message; `no_ack`: and has forgotten it with that."""

    connection: int
    channel: int
    tag: int
    queue: str
    body: bytes
    properties: Mapping[str, Any]
    redelivered: bool
    no_ack: bool
    #: Empty for a message that was got with Basic.Get.
    consumer: str = ""


class Settlement(msgspec.Struct, frozen=True, gc=False, tag="settlement"):
    """A worker gives up deliveries: all that its word covers, `multiple` already worked out."""

    connection: int
    channel: int
    tags: tuple[int, ...]
    how: Literal["ack", "nack", "reject", "recover"]
    requeue: bool = False
    #: Of each tag: what was delivered with it, and from which queue ("" when it is not known). A
    #: body is None when nothing was delivered with this tag, or too much to remember it all.
    bodies: tuple[bytes | None, ...] = ()
    queues: tuple[str, ...] = ()


class Commit(msgspec.Struct, frozen=True, gc=False, tag="commit"):
    """A worker commits an AMQP transaction: what it settled and published there counts from here.

    What a transaction holds is no record before that. Of a body too long to be kept there is None.
    """

    connection: int
    channel: int
    settlements: tuple[Settlement, ...] = ()
    published: tuple[Method, ...] = ()


Message = Command | Reply | Push | Method | Delivery | Settlement | Commit | NotUnderstood


class Monitored(msgspec.Struct, frozen=True, gc=False, tag="monitored"):
    """A line of Redis' MONITOR: what was run, in the server's order, by its clock (`at`).

    `client` is "ip:port", "unix:PATH", or "lua" for what the script that stands before it runs.
    """

    at: float
    client: str
    db: int
    words: tuple[bytes, ...]


class Effect(msgspec.Struct, frozen=True, gc=False, tag="effect"):
    """A command from the link to a replica: what Redis has changed, in the server's order."""

    words: tuple[bytes, ...]


class Tick(msgspec.Struct, frozen=True, gc=False, tag="tick"):
    """The tap's own mark, at the same place of the server's order in both of these streams."""

    number: int
    where: Literal["monitor", "replica"]


class RawFeedData(msgspec.Struct, frozen=True, gc=False, tag="unread"):
    """What came on one of these two links, whole lines or whole commands, left to be read later.

    Between the tap and its client only: reading takes longer than passing on, and workers wait.
    """

    where: Literal["monitor", "replica"]
    data: bytes


#: What Redis tells the tap itself. A Gap: one of these links, or the room for records, is lost.
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
    """Takes the records, in the order of the wire, within the tap's loop: it must not block.

    What a worker says is recorded when it goes on to the broker, what the broker says when it
    arrives here. An error in a sink ends the connection: nothing passes unrecorded.
    """

    def __call__(self, record: Record | RawFeedData) -> None: ...


class Chunk(NamedTuple):
    """Some bytes, and the message that is complete with them, if there is one."""

    raw: bytes
    message: Message | None = None
    #: It may go on while others are held: a heartbeat.
    overtakes: bool = False
