"""Items: what the broker and the workers do with them, and what remains at the end.

The field `at` is when it happened, in seconds since the start of the run, by the clock of the
observer: the tap for RabbitMQ, Redis itself for Redis, the kubelet for log lines of a worker. The
event's own time is when it was recorded.
"""

from __future__ import annotations

from typing import Literal

from harness.history.base import Count, Record, Worker
from harness.history.payload import Payload

#: What a log line may mean that names no sent item.
Guess = Literal["", "odd", "mangled", "alike", "other"]


class ItemEnqueued(Record, frozen=True, tag="item_enqueued"):
    """The broker accepted an item."""

    item: Payload
    queue: str
    #: None where the harness enqueued it.
    connection: int | None = None
    #: Seconds since the start of the run, by the clock of Redis or the tap; None as above.
    at: float | None = None


class AskedForItem(Record, frozen=True, tag="asked_for_item"):
    """A worker asks for an item: it sent a pop, or registered a consumer."""

    connection: int
    queue: str
    #: How many items it can have at once (prefetch); None means no limit.
    room: int | None = 1
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None


class FoundEmpty(Record, frozen=True, tag="found_empty"):
    """The broker answered a worker that there is no item for it."""

    connection: int
    queue: str
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None


class ItemDelivered(Record, frozen=True, tag="item_delivered"):
    """The broker delivered an item."""

    item: Payload
    connection: int
    #: Names this delivery (AMQP: `channel/tag`).
    token: str = ""
    #: End of the lease in seconds since the start of the run; None without a lease.
    until: float | None = None
    #: The broker forgot the item with this delivery: a destructive pop, or no acknowledgement
    #: required.
    final: bool = False
    redelivered: bool = False
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None


class ItemLeased(Record, frozen=True, tag="item_leased"):
    """A worker took a lease or, with the same token, renewed it."""

    item: Payload
    connection: int
    token: str
    #: The lease ends automatically at this moment, in seconds since the start of the run.
    until: float
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None


class LeaseExpired(Record, frozen=True, tag="lease_expired"):
    """A lease ended: the broker let it expire, or its holder ended it early."""

    item: Payload
    token: str = ""
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None


class ItemStarted(Record, frozen=True, tag="item_started"):
    """A worker logged that it starts an item."""

    item: Payload
    worker: Worker
    #: Id of the event of the log line.
    line: int | None = None
    #: Seconds since the start of the run, by the kubelet's clock.
    at: float | None = None
    #: Not empty where the line names no sent item but may mean this one: `odd`, `mangled`, `alike`
    #: or `other`, as `harness.history.log_phrases` defines them.
    guess: Guess = ""


class ItemDone(Record, frozen=True, tag="item_done"):
    """A worker logged that it finished an item."""

    item: Payload
    worker: Worker
    #: Id of the event of the log line.
    line: int | None = None
    #: Seconds since the start of the run, by the kubelet's clock.
    at: float | None = None
    guess: Guess = ""


class WorkDigested(Record, frozen=True, tag="work_digested"):
    """A worker logged the digest of the bytes that it works on."""

    #: Hexadecimal digits.
    sha256: str
    worker: Worker
    #: Id of the event of the log line.
    line: int | None = None
    #: Seconds since the start of the run, by the kubelet's clock.
    at: float | None = None


class ItemSettled(Record, frozen=True, tag="item_settled"):
    """The broker will never deliver this item again.

    After `refused`, an `ItemLeft` shows whether a dead-letter location got the item. For `expired`,
    `by_holder` is False.
    """

    item: Payload
    connection: int | None
    #: `acked`: forgotten on the worker's request. `refused`: rejected for good. `dead`: seen in a
    #: dead-letter location. `expired`: the key that held it expired without any request.
    how: Literal["acked", "dead", "refused", "expired"]
    token: str = ""
    #: False: the broker is known to have ignored it (a stale token). None: not known yet; the next
    #: `BrokerDepth` shows it.
    effective: bool | None = True
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None
    #: False: a worker that never held the item removed it, and no worker got it. It is the end of
    #: the item, or the first half of its return.
    by_holder: bool = True


class ItemReturned(Record, frozen=True, tag="item_returned"):
    """The holder gave an item back, or the broker did after the loss of the connection."""

    item: Payload
    connection: int | None
    token: str = ""
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None


class ItemReclaimed(Record, frozen=True, tag="item_reclaimed"):
    """A worker put back or took over an item that another worker held."""

    item: Payload
    connection: int | None
    token: str = ""
    #: Seconds since the start of the run, by the clock of Redis or the tap.
    at: float | None = None


class BrokerDepth(Record, frozen=True, tag="broker_depth"):
    """How many items the broker holds; None where this broker has no such number."""

    queue: str
    ready: Count
    leased: Count | None = None
    unacked: Count | None = None
    #: The sample of the final drain; one `ItemLeft` for each item precedes it.
    final: bool = False


class MessagePublished(Record, frozen=True, tag="message_published"):
    """A worker published a message outside the queue (RabbitMQ)."""

    connection: int
    exchange: str
    key: str
    #: The item that the message carries, in any usual form; None where its content shows none of
    #: the items that the worker has.
    item: Payload | None = None
    #: Whether the queue of this name outlives the client that declared it; None: no declaration
    #: seen.
    lasting: bool | None = None
    #: The queue of this name moves messages elsewhere after a delay: the message may come back.
    waiting: bool = False
    #: Seconds since the start of the run, by the tap's clock.
    at: float | None = None


class CopyLeft(Record, frozen=True, tag="copy_left"):
    """The final drain found a message that carries an item in another queue (RabbitMQ)."""

    item: Payload
    queue: str
    #: The broker itself moved it there, from the queue or from where it waited.
    dead_lettered: bool = False


class ItemLeft(Record, frozen=True, tag="item_left"):
    """The final drain found an item."""

    item: Payload
    queue: str
    where: Literal["ready", "leased", "unacked", "dead"]
