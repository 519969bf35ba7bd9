"""RabbitMQ's wire as items: what was delivered to whom, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.history import (
    AskedForItem,
    FoundEmpty,
    Gap,
    ItemDelivered,
    ItemEnqueued,
    ItemReturned,
    ItemSettled,
    NotUnderstood,
    What,
    payload,
)
from harness.tap.records import Delivery, Method, Record, Settlement
from harness.wire.connections import CONNECTION, placed


class AmqpReader:
    """Turns the tap's records into events about the queue `queue`; moments since `epoch`.

    An acknowledgement has no answer: whether it took effect is told by what comes after. What the
    broker takes back from a lost connection is not told here, either: the loss itself is.
    """

    def __init__(self, queue: str, epoch: float) -> None:
        self._queue, self._epoch = queue, epoch
        #: (connection, channel) → how many it may have at once; None: no limit.
        self._room: dict[tuple[int, int], int | None] = {}
        self._got: dict[tuple[int, int], str] = {}

    def take(self, at: float, record: Record) -> list[What]:
        """The events that a record makes; `at` in seconds since 1970."""
        return list(self._read(at - self._epoch, record))

    def flush(self) -> list[What]:
        """What is still open: nothing, here each record stands for itself."""
        return []

    def idle(self) -> bool:
        return True

    def leases_understood(self) -> str:
        """Why leases cannot be told; here the connection is the lease."""
        return ""

    def _read(self, at: float, record: Record) -> Iterator[What]:
        if isinstance(record, CONNECTION):
            yield placed(record, at)
        elif isinstance(record, (NotUnderstood, Gap)):
            yield record
        elif isinstance(record, Delivery):
            yield from self._delivered(at, record)
        elif isinstance(record, Settlement):
            yield from self._settled(at, record)
        elif isinstance(record, Method):
            yield from self._said(at, record)

    def _delivered(self, at: float, record: Delivery) -> Iterator[What]:
        if record.queue not in ("", self._queue):
            return
        yield ItemDelivered(
            payload(record.body),
            record.connection,
            f"{record.channel}/{record.tag}",
            final=record.no_ack,
            redelivered=record.redelivered,
            at=at,
        )

    def _settled(self, at: float, record: Settlement) -> Iterator[What]:
        for tag, body, queue in zip(record.tags, record.bodies, record.queues, strict=True):
            if queue not in ("", self._queue):
                continue
            token = f"{record.channel}/{tag}"
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

    def _said(self, at: float, record: Method) -> Iterator[What]:
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
        elif record.name == "Basic.Publish" and self._is_for_us(fields):
            yield ItemEnqueued(payload(record.body or b""), self._queue, record.connection, at)

    def _is_for_us(self, fields: Mapping[str, Any]) -> bool:
        return bool(fields["exchange"] == "" and fields["routing_key"] == self._queue)
