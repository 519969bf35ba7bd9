"""State of an AMQP channel: what its methods refer to implicitly."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal, NamedTuple

import msgspec

from harness.tap.records import Commit, Delivery, Message, Method, Settlement

_SETTLES: dict[str, Literal["ack", "nack", "reject", "recover"]] = {
    "Basic.Ack": "ack",
    "Basic.Nack": "nack",
    "Basic.Reject": "reject",
    "Basic.Recover": "recover",
    "Basic.RecoverAsync": "recover",
}


#: Bytes of bodies to remember until settlement; of further bodies only their existence.
REMEMBERED = 64 * 1024 * 1024


class _Source(NamedTuple):
    """The queue of a delivery, and whether the broker waits for its settlement."""

    queue: str
    no_ack: bool


class _Unsettled:
    """Deliveries that are not settled, by tag, in the order of the wire."""

    def __init__(self) -> None:
        self._deliveries: dict[int, tuple[bytes | None, str]] = {}
        self._size = 0

    def add(self, tag: int, body: bytes, queue: str) -> None:
        fits = self._size + len(body) <= REMEMBERED
        self._size += len(body) if fits else 0
        self._deliveries[tag] = (body if fits else None, queue)

    def pop(self, tag: int) -> tuple[bytes | None, str]:
        body, queue = self._deliveries.pop(tag, (None, ""))
        self._size -= len(body or b"")
        return body, queue

    def put_back(self, tag: int, body: bytes | None, queue: str) -> None:
        """Add a delivery again: its settlement was rolled back."""
        self._size += len(body or b"")
        self._deliveries[tag] = (body, queue)

    def up_to(self, tag: int) -> tuple[int, ...]:
        """Return the tags up to this one; all tags for 0."""
        return tuple(
            delivery_tag for delivery_tag in self._deliveries if not tag or delivery_tag <= tag
        )


class _Transaction:
    """Settlements and messages of a channel since the last commit or rollback."""

    def __init__(self) -> None:
        self._settlements: list[Settlement] = []
        self._published: list[Method] = []
        self._size = 0

    def settle(self, settlement: Settlement) -> None:
        self._settlements.append(settlement)

    def publish(self, method: Method) -> None:
        size = len(method.body or b"")
        if self._size + size > REMEMBERED:
            method = msgspec.structs.replace(method, body=None)
        else:
            self._size += size
        self._published.append(method)

    def commit(self, method: Method) -> Commit:
        return Commit(
            method.connection, method.channel, tuple(self._settlements), tuple(self._published)
        )

    def roll_back(self, unsettled: _Unsettled) -> None:
        """Give the deliveries back to the worker: RabbitMQ requeues none of them."""
        for settlement in self._settlements:
            for tag, body, queue in zip(
                settlement.tags, settlement.bodies, settlement.queues, strict=True
            ):
                unsettled.put_back(tag, body, queue)


class Channel:
    """Remembers the consumers, and the deliveries that are not settled.

    A settlement of all deliveries (tag 0) covers those that passed here; the broker may have sent
    more by the time it reads it.
    """

    def __init__(self) -> None:
        self._queue = ""
        self._consumers: dict[str, _Source] = {}
        self._pending_consumes: deque[_Source] = deque()
        self._get_sources: deque[_Source] = deque()
        self._unsettled = _Unsettled()
        #: None outside a transaction: then each message takes effect at once.
        self._transaction: _Transaction | None = None

    def said(self, method: Method) -> Message | None:
        """Process a method; return it, or the record of its meaning where that says more.

        Returns None for a method that takes effect only with the commit of its transaction.
        """
        if method.towards == "broker":
            return self._on_request(method)
        name, fields = method.name, method.fields
        if name == "Basic.ConsumeOk" and self._pending_consumes:
            self._consumers[fields["consumer_tag"]] = self._pending_consumes.popleft()
        elif name == "Basic.GetEmpty" and self._get_sources:
            self._get_sources.popleft()
        elif name == "Queue.DeclareOk":
            self._queue = fields["queue"]
        return method

    def _on_request(self, method: Method) -> Message | None:
        name, fields = method.name, method.fields
        if name in _SETTLES:
            settlement = self._settle(method, _SETTLES[name])
            # Recover takes effect at once, also in a transaction.
            if self._transaction is None or settlement.how == "recover":
                return settlement
            self._transaction.settle(settlement)
            return None
        if name == "Basic.Consume":
            self._consume(fields)
        elif name == "Basic.Get":
            self._get_sources.append(_Source(fields["queue"] or self._queue, fields["no_ack"]))
        elif name == "Queue.Declare" and fields["queue"]:
            self._queue = fields["queue"]
        elif name == "Tx.Select":
            self._transaction = self._transaction or _Transaction()
        elif name in ("Tx.Commit", "Tx.Rollback") and self._transaction is not None:
            return self._end(method, self._transaction)
        return method

    def _end(self, method: Method, over: _Transaction) -> Message:
        self._transaction = _Transaction()
        if method.name == "Tx.Commit":
            return over.commit(method)
        over.roll_back(self._unsettled)
        return method

    def carried(self, method: Method) -> Message | None:
        """Process a method that is complete with its content, like `said`."""
        if method.name == "Basic.Publish" and self._transaction is not None:
            self._transaction.publish(method)
            return None
        if method.name not in ("Basic.Deliver", "Basic.GetOk"):
            return method
        fields, consumer = method.fields, ""
        if method.name == "Basic.Deliver":
            consumer = fields["consumer_tag"]
            source = self._consumers.get(consumer, _Source("", no_ack=False))
        else:
            source = self._get_sources.popleft() if self._get_sources else _Source("", no_ack=False)
        tag, body = fields["delivery_tag"], method.body or b""
        if not source.no_ack:
            self._unsettled.add(tag, body, source.queue)
        return Delivery(
            method.connection,
            method.channel,
            tag,
            source.queue,
            body,
            method.properties,
            fields["redelivered"],
            source.no_ack,
            consumer,
        )

    def _consume(self, fields: Any) -> None:
        source = _Source(fields["queue"] or self._queue, fields["no_ack"])
        if fields["consumer_tag"]:
            self._consumers[fields["consumer_tag"]] = source
        if not fields["nowait"]:
            self._pending_consumes.append(source)

    def _settle(
        self, method: Method, how: Literal["ack", "nack", "reject", "recover"]
    ) -> Settlement:
        fields = method.fields
        # Basic.Recover has no tag and means all; Basic.Reject has no `multiple`.
        tag = fields.get("delivery_tag", 0)
        single = tag and not fields.get("multiple", False)
        tags = (tag,) if single else self._unsettled.up_to(tag)
        requeue = how != "ack" and bool(fields.get("requeue", False))
        settled = [self._unsettled.pop(settled_tag) for settled_tag in tags]
        return Settlement(
            method.connection,
            method.channel,
            tags,
            how,
            requeue,
            tuple(body for body, _ in settled),
            tuple(queue for _, queue in settled),
        )
