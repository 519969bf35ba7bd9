"""RabbitMQ's wire as items: what was delivered to whom, and what became of it."""

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

#: Of messages that carry nothing known, so many are told for each connection and place.
_TOLD = 5
#: Settled items that a worker's later messages are compared with, at each address.
_REMEMBERED = 20
#: The broker ends what it does by itself with these: an operator's word, or its own end.
_FAREWELLS = (200, 320)


class AmqpInterpreter:
    """Turns the tap's records into events about the queue `queue`; moments since `epoch`.

    An acknowledgement has no answer: whether it took effect is told by what comes after. What the
    broker takes back from a lost connection is not told here, either: the loss itself is.
    """

    def __init__(self, queue: str, epoch: float) -> None:
        self._queue, self._epoch = queue, epoch
        #: (connection, channel) → how many it may have at once; None: no limit.
        self._room: dict[tuple[int, int], int | None] = {}
        #: The last queue that was to be declared there.
        self._declares: dict[tuple[int, int], Mapping[str, Any]] = {}
        self._addresses: dict[int, str] = {}
        #: What clients at an address have been given: by connection, channel and tag.
        self._open: dict[str, dict[tuple[int, int, int], bytes]] = {}
        self._settled: dict[str, list[bytes]] = {}
        #: Connection, channel and tag of what was settled.
        self._over: set[tuple[int, int, int]] = set()
        self._untold: Counter[tuple[int, str, str]] = Counter()
        self._queues: dict[str, None] = {}
        #: Queue → how it was declared.
        self._made: dict[str, Mapping[str, Any]] = {}

    def feed(self, at: float, record: Record) -> list[Observation]:
        """The events that a record makes; `at` in seconds since 1970."""
        return list(self._read(at - self._epoch, record))

    def finish(self) -> list[Observation]:
        """What is still open: nothing, here each record stands for itself."""
        return []

    def drained(self) -> bool:
        return True

    def lease_blind_spot(self) -> str:
        """Why leases cannot be told; here the connection is the lease."""
        return ""

    def queues(self) -> tuple[str, ...]:
        """The other queues that clients have declared, or that their messages may be in."""
        return tuple(self._queues)

    def _read(self, at: float, record: Record) -> Iterator[Observation]:
        if isinstance(record, CONNECTION):
            self._connected(record)
            yield relative_to_start(record, at)
        elif isinstance(record, (NotUnderstood, Gap)):
            yield record
        elif isinstance(record, Delivery):
            yield from self._delivered(at, record)
        elif isinstance(record, Settlement):
            yield from self._settle(at, record)
        elif isinstance(record, Commit):
            for method in record.published:
                yield from self._publish(at, method)
            for settlement in record.settlements:
                yield from self._settle(at, settlement)
        elif isinstance(record, Method):
            yield from self._said(at, record)

    def _delivered(self, at: float, record: Delivery) -> Iterator[Observation]:
        if record.queue not in ("", self._queue):
            return
        self._open.setdefault(self._address(record.connection), {})[
            record.connection, record.channel, record.tag
        ] = record.body
        if not record.redelivered and dead_lettered(record.properties):
            # It has been in another queue, and is there once more: as if it had been sent anew.
            yield ItemEnqueued(payload(record.body), self._queue, None, at)
        yield ItemDelivered(
            payload(record.body),
            record.connection,
            f"{record.channel}/{record.tag}",
            final=record.no_ack,
            redelivered=record.redelivered,
            at=at,
        )

    def _settle(self, at: float, record: Settlement) -> Iterator[Observation]:
        for tag, body, queue in zip(record.tags, record.bodies, record.queues, strict=True):
            if queue not in ("", self._queue):
                continue
            token = f"{record.channel}/{tag}"
            place = record.connection, record.channel, tag
            if body is None and place in self._over:
                continue  # it was settled before: the broker refuses that, and nothing changes
            self._over.add(place)
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

    def _said(self, at: float, record: Method) -> Iterator[Observation]:
        place, fields = (record.connection, record.channel), record.fields
        if record.name == "Basic.Qos" and record.towards == "broker":
            self._room[place] = int(fields["prefetch_count"]) or None
        elif record.name == "Basic.Consume" and fields["queue"] in ("", self._queue):
            room = None if fields["no_ack"] else self._room.get(place)
            yield AskedForItem(record.connection, self._queue, room, at)
        elif record.name == "Basic.Cancel" and record.towards == "broker":
            yield AskedForItem(record.connection, self._queue, 0, at)
        elif record.name == "Basic.Get" and fields["queue"] in ("", self._queue):
            yield AskedForItem(record.connection, self._queue, 1, at)
        elif record.name == "Basic.GetEmpty":
            yield FoundEmpty(record.connection, self._queue, at)
        elif record.name == "Basic.Publish":
            yield from self._publish(at, record)
        else:
            yield from self._declared(at, record)

    def _declared(self, at: float, record: Method) -> Iterator[Observation]:
        fields = record.fields
        if record.name == "Queue.Declare" and record.towards == "broker":
            self._declares[record.connection, record.channel] = fields
            if not fields["passive"]:
                self._made[fields["queue"]] = fields
            self._seen(fields["queue"])
        elif record.name in ("Queue.DeclareOk", "Queue.Bind"):
            self._seen(fields["queue"])
        elif record.name in ("Channel.Close", "Connection.Close") and record.towards == "client":
            yield from self._refused(at, record)

    def _refused(self, at: float, record: Method) -> Iterator[Observation]:
        fields = record.fields
        if fields["reply_code"] in _FAREWELLS:
            return
        number = (fields["class_id"] << 16) + fields["method_id"]
        method: str = getattr(INDEX_MAPPING.get(number), "name", "")
        declared = self._declares.get((record.connection, record.channel), {})
        if method != "Queue.Declare":
            declared = {}
        yield RequestRefused(
            record.connection,
            fields["reply_code"],
            fields["reply_text"],
            method,
            declared.get("queue", ""),
            tuple(_wanted(declared)),
            at,
        )

    # -- messages elsewhere -----------------------------------------------------------------------

    def _publish(self, at: float, record: Method) -> Iterator[Observation]:
        exchange, key = record.fields["exchange"], record.fields["routing_key"]
        body, connection = record.body, record.connection
        if exchange == "" and key == self._queue:
            yield ItemEnqueued(payload(body or b""), self._queue, connection, at)
            return
        if exchange == "":
            self._seen(key)
        address = self._address(connection)
        open_, settled = self._open.get(address, {}), self._settled.get(address, [])
        known = dict.fromkeys([*open_.values(), *settled])
        carried = found(body, known) if body is not None and known else ()
        for item in carried:
            yield self._published(record, payload(item), at)
        if open_ and not carried:
            self._untold[connection, exchange, key] += 1
            if self._untold[connection, exchange, key] <= _TOLD:
                yield self._published(record, None, at)

    def _published(self, record: Method, item: Payload | None, at: float) -> MessagePublished:
        exchange, key = record.fields["exchange"], record.fields["routing_key"]
        made = None if exchange else self._made.get(key)
        lasting = None if made is None else not (made["exclusive"] or made["auto_delete"])
        waiting = bool(made and "x-dead-letter-exchange" in (made["arguments"] or {}))
        return MessagePublished(record.connection, exchange, key, item, lasting, waiting, at)

    def _seen(self, queue: str) -> None:
        if queue and queue != self._queue:
            self._queues[queue] = None

    def _address(self, connection: int) -> str:
        return self._addresses.get(connection, f"connection {connection}")

    def _close(self, connection: int, channel: int, tag: int) -> None:
        """A delivery is settled."""
        address = self._address(connection)
        body = self._open.get(address, {}).pop((connection, channel, tag), None)
        if body is not None:
            settled = self._settled.setdefault(address, [])
            settled.append(body)
            del settled[:-_REMEMBERED]

    def _connected(self, record: Connection) -> None:
        if isinstance(record, ConnectionOpened):
            self._addresses[record.connection] = record.address
        elif isinstance(record, ConnectionClosed):
            self._over = {one for one in self._over if one[0] != record.connection}
            open_ = self._open.get(self._address(record.connection), {})
            for place in [one for one in open_ if one[0] == record.connection]:
                del open_[place]


def dead_lettered(properties: Mapping[str, Any]) -> bool:
    """Whether the broker itself has moved a message with these properties from queue to queue."""
    return bool((properties.get("headers") or {}).get("x-death"))


def _wanted(declared: Mapping[str, Any]) -> Iterator[str]:
    """What a declaration asks of a queue, beside what the harness does by itself."""
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
