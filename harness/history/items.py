"""Items: what the broker and the workers do with them, and what is left at the end.

`at` is when it was, in seconds since the start, by the clock of who saw it (the tap, or the
kubelet for what a worker says); an event's own time is when it was recorded.
"""

from __future__ import annotations

from typing import Literal

from harness.history.base import Count, Record, Worker
from harness.history.payload import Payload

#: What a line may be about that names no item which was sent.
Guess = Literal["", "odd", "mangled", "alike", "other"]


class ItemEnqueued(Record, frozen=True, tag="item_enqueued"):
    """The broker has taken an item; without `connection` and `at` when the harness put it there."""

    item: Payload
    queue: str
    connection: int | None = None
    at: float | None = None


class AskedForItem(Record, frozen=True, tag="asked_for_item"):
    """A worker wants an item: a pop that was sent, a consumer that was registered.

    `room` is how many it can have at once (prefetch); None means no limit.
    """

    connection: int
    queue: str
    room: int | None = 1
    at: float | None = None


class FoundEmpty(Record, frozen=True, tag="found_empty"):
    """A worker was told that there is nothing for it."""

    connection: int
    queue: str
    at: float | None = None


class ItemDelivered(Record, frozen=True, tag="item_delivered"):
    """The broker has handed out an item.

    `token` names this delivery (AMQP: `channel/tag`). `final` says that the broker has forgotten
    the item with that: a destructive pop, or no acknowledgement asked for.
    """

    item: Payload
    connection: int
    token: str = ""
    until: float | None = None
    final: bool = False
    redelivered: bool = False
    at: float | None = None


class ItemLeased(Record, frozen=True, tag="item_leased"):
    """A lease was taken or, with the same token, renewed; it ends by itself at `until`."""

    item: Payload
    connection: int
    token: str
    until: float
    at: float | None = None


class LeaseExpired(Record, frozen=True, tag="lease_expired"):
    """A lease is over: the broker has let it end, or (before its time) its holder."""

    item: Payload
    token: str = ""
    at: float | None = None


class ItemStarted(Record, frozen=True, tag="item_started"):
    """A worker says that it begins; `line` is the event of the log line that says so.

    `guess`: it names no item that was sent, and may be about this one: `odd`, `mangled`, `alike` or
    `other`, as `harness.history.log_phrases` has it.
    """

    item: Payload
    worker: Worker
    line: int | None = None
    at: float | None = None
    guess: Guess = ""


class ItemDone(Record, frozen=True, tag="item_done"):
    """A worker says that it has finished."""

    item: Payload
    worker: Worker
    line: int | None = None
    at: float | None = None
    guess: Guess = ""


class WorkDigested(Record, frozen=True, tag="work_digested"):
    """A worker says which bytes it works on: their SHA-256, in hexadecimal digits."""

    sha256: str
    worker: Worker
    line: int | None = None
    at: float | None = None


class ItemSettled(Record, frozen=True, tag="item_settled"):
    """The broker will not give this item to anybody any more.

    `acked`: forgotten, at the worker's word. `dead`: seen to be set aside in a dead-letter place.
    `refused`: rejected for good; an `ItemLeft` shows whether there was such a place. `expired`: the
    key in which it lay ran out, at nobody's word (`by_holder` is False then). `effective` is
    False when the broker is known not to have followed (a stale token), None while it is not
    known: then the next `BrokerDepth` tells. `by_holder` is False when a worker has removed the
    item that was never given it, and gave it to nobody: the end of it, or half of giving it back.
    """

    item: Payload
    connection: int | None
    how: Literal["acked", "dead", "refused", "expired"]
    token: str = ""
    effective: bool | None = True
    at: float | None = None
    by_holder: bool = True


class ItemReturned(Record, frozen=True, tag="item_returned"):
    """Its holder has given an item back, or the broker did when the connection was lost."""

    item: Payload
    connection: int | None
    token: str = ""
    at: float | None = None


class ItemReclaimed(Record, frozen=True, tag="item_reclaimed"):
    """A worker has put back, or taken over, an item that another one held."""

    item: Payload
    connection: int | None
    token: str = ""
    at: float | None = None


class BrokerDepth(Record, frozen=True, tag="broker_depth"):
    """How many items the broker holds; None where this broker has no such number.

    `final` is the sample by the drain at the end; one `ItemLeft` before it for each item.
    """

    queue: str
    ready: Count
    leased: Count | None = None
    unacked: Count | None = None
    final: bool = False


class MessagePublished(Record, frozen=True, tag="message_published"):
    """A worker has published a message elsewhere than into the queue (RabbitMQ).

    `item` is the one that the message carries, in whatever usual form; None where its content
    shows none of those that the worker has.
    """

    connection: int
    exchange: str
    key: str
    item: Payload | None = None
    #: Whether the queue of this name outlives who declared it; None: nobody was seen to.
    lasting: bool | None = None
    #: The queue of this name puts what it holds too long elsewhere: it may come back.
    waiting: bool = False
    at: float | None = None


class CopyLeft(Record, frozen=True, tag="copy_left"):
    """The final drain has found a message that carries an item in another queue (RabbitMQ).

    `dead_lettered`: the broker itself has put it there, from the queue or from where it waited.
    """

    item: Payload
    queue: str
    dead_lettered: bool = False


class ItemLeft(Record, frozen=True, tag="item_left"):
    """The final drain has found an item."""

    item: Payload
    queue: str
    where: Literal["ready", "leased", "unacked", "dead"]
