"""RabbitMQ's wire as item events: which client got an item, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pamqp.commands import INDEX_MAPPING

from harness.history import (
    AskedForItem,
    ConnectionClosed,
    ConnectionOpened,
    FoundEmpty,
    Gap,
    ItemDelivered,
    ItemEnqueued,
    ItemReturned,
    ItemSettled,
    MessagePublished,
    NotUnderstood,
    Observation,
    Payload,
    RequestRefused,
    payload,
)
from harness.patterns.connection_events import CONNECTION, Connection, relative_to_start
from harness.tap.content import found
from harness.tap.records import Commit, Delivery, Method, Record, Settlement

#: How many messages without a known item the interpreter emits, for each connection and
#: destination.
_UNKNOWN_LIMIT = 5
#: How many settled items the interpreter compares with a worker's later messages, for each address.
_SETTLED_LIMIT = 20
#: Reply codes for a close that no client caused: an operator or a shutdown of the broker.
_ROUTINE_CLOSE_CODES = (200, 320)


class AmqpInterpreter:
    """Turn the tap's records into events about the queue `queue`; moments since `epoch`.

    An acknowledgement has no answer: later records show whether it took effect. When a connection
    is lost, the broker takes its messages back. The interpreter emits only the loss itself.
    """

    def __init__(self, queue: str, epoch: float) -> None:
        self._queue, self._epoch = queue, epoch
        #: (connection, channel) → how many messages it may have at once; None: no limit.
        self._room: dict[tuple[int, int], int | None] = {}
        #: (connection, channel) → the last queue declaration there.
        self._last_declaration: dict[tuple[int, int], Mapping[str, Any]] = {}
        self._addresses: dict[int, str] = {}
        #: Address → deliveries to its clients: (connection, channel, tag) → body.
        self._open: dict[str, dict[tuple[int, int, int], bytes]] = {}
        self._settled: dict[str, list[bytes]] = {}
        #: (connection, channel, tag) of settled deliveries.
        self._settled_tags: set[tuple[int, int, int]] = set()
        self._unknown_count: Counter[tuple[int, str, str]] = Counter()
        self._other_queues: dict[str, None] = {}
        #: Queue → its declaration.
        self._declarations: dict[str, Mapping[str, Any]] = {}

    def feed(self, at: float, record: Record) -> list[Observation]:
        """Return the events that a record makes; `at` in seconds since 1970."""
        return list(self._read(at - self._epoch, record))

    def finish(self) -> list[Observation]:
        """Return no events: nothing is ever open, for each record is complete."""
        return []

    def drained(self) -> bool:
        return True

    def lease_blind_spot(self) -> str:
        """Return an empty reason: in RabbitMQ the connection is the lease."""
        return ""

    def queues(self) -> tuple[str, ...]:
        """Return the other queues that clients declared, or that may have their messages."""
        return tuple(self._other_queues)

    def _read(self, at: float, record: Record) -> Iterator[Observation]:
        if isinstance(record, CONNECTION):
            self._track_connection(record)
            yield relative_to_start(record, at)
        elif isinstance(record, (NotUnderstood, Gap)):
            yield record
        elif isinstance(record, Delivery):
            yield from self._read_delivery(at, record)
        elif isinstance(record, Settlement):
            yield from self._read_settlement(at, record)
        elif isinstance(record, Commit):
            for method in record.published:
                yield from self._read_publish(at, method)
            for settlement in record.settlements:
                yield from self._read_settlement(at, settlement)
        elif isinstance(record, Method):
            yield from self._read_method(at, record)

    def _read_delivery(self, at: float, record: Delivery) -> Iterator[Observation]:
        if record.queue not in ("", self._queue):
            return
        self._open.setdefault(self._address(record.connection), {})[
            record.connection, record.channel, record.tag
        ] = record.body
        if not record.redelivered and dead_lettered(record.properties):
            # It was in another queue and came back: that counts as sent again.
            yield ItemEnqueued(payload(record.body), self._queue, None, at)
        yield ItemDelivered(
            payload(record.body),
            record.connection,
            f"{record.channel}/{record.tag}",
            final=record.no_ack,
            redelivered=record.redelivered,
            at=at,
        )

    def _read_settlement(self, at: float, record: Settlement) -> Iterator[Observation]:
        for tag, body, queue in zip(record.tags, record.bodies, record.queues, strict=True):
            if queue not in ("", self._queue):
                continue
            token = f"{record.channel}/{tag}"
            delivery = record.connection, record.channel, tag
            if body is None and delivery in self._settled_tags:
                continue  # settled before: the broker refuses that, and nothing changes
            self._settled_tags.add(delivery)
            self._close(record.connection, record.channel, tag)
            if body is None:
                why = f"{record.how} of a delivery ({token}) that was not seen, or was too long"
                yield NotUnderstood(record.connection, "broker", why, token, 0)
                continue
            item, connection = payload(body), record.connection
            if record.how == "ack":
                yield ItemSettled(item, connection, "acked", token, None, at)
            elif record.requeue or record.how == "recover":
                yield ItemReturned(item, connection, token, at)
            else:
                yield ItemSettled(item, connection, "refused", token, None, at)

    def _read_method(self, at: float, record: Method) -> Iterator[Observation]:
        channel, fields = (record.connection, record.channel), record.fields
        if record.name == "Basic.Qos" and record.towards == "broker":
            self._room[channel] = int(fields["prefetch_count"]) or None
        elif record.name == "Basic.Consume" and fields["queue"] in ("", self._queue):
            room = None if fields["no_ack"] else self._room.get(channel)
            yield AskedForItem(record.connection, self._queue, room, at)
        elif record.name == "Basic.Cancel" and record.towards == "broker":
            yield AskedForItem(record.connection, self._queue, 0, at)
        elif record.name == "Basic.Get" and fields["queue"] in ("", self._queue):
            yield AskedForItem(record.connection, self._queue, 1, at)
        elif record.name == "Basic.GetEmpty":
            yield FoundEmpty(record.connection, self._queue, at)
        elif record.name == "Basic.Publish":
            yield from self._read_publish(at, record)
        else:
            yield from self._read_declaration(at, record)

    def _read_declaration(self, at: float, record: Method) -> Iterator[Observation]:
        fields = record.fields
        if record.name == "Queue.Declare" and record.towards == "broker":
            self._last_declaration[record.connection, record.channel] = fields
            if not fields["passive"]:
                self._declarations[fields["queue"]] = fields
            self._add_queue(fields["queue"])
        elif record.name in ("Queue.DeclareOk", "Queue.Bind"):
            self._add_queue(fields["queue"])
        elif record.name in ("Channel.Close", "Connection.Close") and record.towards == "client":
            yield from self._read_refusal(at, record)

    def _read_refusal(self, at: float, record: Method) -> Iterator[Observation]:
        fields = record.fields
        if fields["reply_code"] in _ROUTINE_CLOSE_CODES:
            return
        number = (fields["class_id"] << 16) + fields["method_id"]
        method: str = getattr(INDEX_MAPPING.get(number), "name", "")
        declared = self._last_declaration.get((record.connection, record.channel), {})
        if method != "Queue.Declare":
            declared = {}
        yield RequestRefused(
            record.connection,
            fields["reply_code"],
            fields["reply_text"],
            method,
            declared.get("queue", ""),
            tuple(_requested_arguments(declared)),
            at,
        )

    # -- messages elsewhere -----------------------------------------------------------------------

    def _read_publish(self, at: float, record: Method) -> Iterator[Observation]:
        exchange, key = record.fields["exchange"], record.fields["routing_key"]
        body, connection = record.body, record.connection
        if exchange == "" and key == self._queue:
            yield ItemEnqueued(payload(body or b""), self._queue, connection, at)
            return
        if exchange == "":
            self._add_queue(key)
        address = self._address(connection)
        open_, settled = self._open.get(address, {}), self._settled.get(address, [])
        known = dict.fromkeys([*open_.values(), *settled])
        carried = found(body, known) if body is not None and known else ()
        for item in carried:
            yield self._published_event(record, payload(item), at)
        if open_ and not carried:
            self._unknown_count[connection, exchange, key] += 1
            if self._unknown_count[connection, exchange, key] <= _UNKNOWN_LIMIT:
                yield self._published_event(record, None, at)

    def _published_event(self, record: Method, item: Payload | None, at: float) -> MessagePublished:
        exchange, key = record.fields["exchange"], record.fields["routing_key"]
        declaration = None if exchange else self._declarations.get(key)
        lasting = (
            None
            if declaration is None
            else not (declaration["exclusive"] or declaration["auto_delete"])
        )
        waiting = bool(declaration and "x-dead-letter-exchange" in (declaration["arguments"] or {}))
        return MessagePublished(record.connection, exchange, key, item, lasting, waiting, at)

    def _add_queue(self, queue: str) -> None:
        if queue and queue != self._queue:
            self._other_queues[queue] = None

    def _address(self, connection: int) -> str:
        return self._addresses.get(connection, f"connection {connection}")

    def _close(self, connection: int, channel: int, tag: int) -> None:
        """Move a delivery from the open ones to the settled ones."""
        address = self._address(connection)
        body = self._open.get(address, {}).pop((connection, channel, tag), None)
        if body is not None:
            settled = self._settled.setdefault(address, [])
            settled.append(body)
            del settled[:-_SETTLED_LIMIT]

    def _track_connection(self, record: Connection) -> None:
        if isinstance(record, ConnectionOpened):
            self._addresses[record.connection] = record.address
        elif isinstance(record, ConnectionClosed):
            self._settled_tags = {
                delivery for delivery in self._settled_tags if delivery[0] != record.connection
            }
            open_ = self._open.get(self._address(record.connection), {})
            for key in [delivery for delivery in open_ if delivery[0] == record.connection]:
                del open_[key]


def dead_lettered(properties: Mapping[str, Any]) -> bool:
    """Return whether the broker itself has moved this message from queue to queue."""
    return bool((properties.get("headers") or {}).get("x-death"))


def _requested_arguments(declared: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a declaration asks of a queue, beyond the harness's own defaults."""
    if not declared or declared["passive"]:
        return
    if not declared["durable"]:
        yield "durable=false"
    for name, value in (declared["arguments"] or {}).items():
        if isinstance(value, (bool, int)):
            yield f"{name}={str(value).lower()}"
        else:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            yield f"{name}={text}"
