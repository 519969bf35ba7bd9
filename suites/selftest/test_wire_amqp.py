"""RabbitMQ's records as events about items."""

from __future__ import annotations

from typing import Any

import pytest

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
    NotUnderstood,
)
from harness.tap.records import Delivery, Method, Record, Settlement
from harness.wire.amqp import AmqpReader

EPOCH = 1000.0


def read(*records: Record) -> list[object]:
    reader = AmqpReader("job1", EPOCH)
    events: list[object] = []
    for second, record in enumerate(records):
        events += reader.take(EPOCH + second, record)
    assert reader.idle()
    return [*events, *reader.flush()]


def said(name: str, **fields: Any) -> Method:
    return Method(1, "broker", 1, name, fields)


def consume(queue: str = "job1", *, no_ack: bool = False) -> Method:
    return said("Basic.Consume", queue=queue, no_ack=no_ack, consumer_tag="", nowait=False)


def delivery(tag: int, body: bytes, *, queue: str = "job1", no_ack: bool = False) -> Delivery:
    return Delivery(1, 1, tag, queue, body, {}, redelivered=False, no_ack=no_ack)


def settle(how: Any, *bodies: bytes | None, requeue: bool = False) -> Settlement:
    tags = tuple(range(1, len(bodies) + 1))
    return Settlement(1, 1, tags, how, requeue, bodies, ("job1",) * len(bodies))


def test_a_message_that_is_taken_and_acknowledged() -> None:
    opened = ConnectionOpened(1, "10.0.0.1", 4000)
    assert read(
        opened,
        said("Basic.Qos", prefetch_count=1),
        consume(),
        delivery(1, b"apple"),
        settle("ack", b"apple"),
        said("Basic.Cancel", consumer_tag="x"),
        ConnectionClosed(1, "client"),
    ) == [
        ConnectionOpened(1, "10.0.0.1", 4000, at=0.0),
        AskedForItem(1, "job1", 1, at=2.0),
        ItemDelivered("apple", 1, "1/1", at=3.0),
        ItemSettled("apple", 1, "acked", "1/1", effective=None, at=4.0),
        AskedForItem(1, "job1", 0, at=5.0),
        ConnectionClosed(1, "client", at=6.0),
    ]


def test_without_acknowledgements_a_delivery_is_final_and_there_is_no_limit() -> None:
    assert read(consume(no_ack=True), delivery(1, b"apple", no_ack=True)) == [
        AskedForItem(1, "job1", None, at=0.0),
        ItemDelivered("apple", 1, "1/1", final=True, at=1.0),
    ]


@pytest.mark.parametrize(
    ("settlement", "event"),
    [
        (settle("nack", b"x", requeue=True), ItemReturned("x", 1, "1/1", at=0.0)),
        (settle("reject", b"x", requeue=True), ItemReturned("x", 1, "1/1", at=0.0)),
        (settle("recover", b"x"), ItemReturned("x", 1, "1/1", at=0.0)),
        (settle("reject", b"x"), ItemSettled("x", 1, "refused", "1/1", effective=None, at=0.0)),
        (settle("nack", b"x"), ItemSettled("x", 1, "refused", "1/1", effective=None, at=0.0)),
    ],
)
def test_what_becomes_of_a_delivery(settlement: Settlement, event: object) -> None:
    assert read(settlement) == [event]


def test_many_are_settled_at_once() -> None:
    events = read(settle("ack", b"a", b"b"))
    assert [event.item for event in events if isinstance(event, ItemSettled)] == ["a", "b"]


def test_a_settlement_of_what_was_not_seen_is_not_understood() -> None:
    (event,) = read(settle("ack", None))
    assert isinstance(event, NotUnderstood)


def test_other_queues_are_not_ours() -> None:
    other = Settlement(1, 1, (1,), "ack", False, (b"x",), ("other",))
    assert read(consume("other"), delivery(1, b"x", queue="other"), other) == []


def test_a_get_that_finds_nothing() -> None:
    empty = Method(1, "client", 1, "Basic.GetEmpty", {})
    assert read(said("Basic.Get", queue="job1", no_ack=False), empty) == [
        AskedForItem(1, "job1", 1, at=0.0),
        FoundEmpty(1, "job1", at=1.0),
    ]


def test_what_a_worker_publishes_into_the_queue_is_an_item_too() -> None:
    fields = {"exchange": "", "routing_key": "job1"}
    published = Method(1, "broker", 1, "Basic.Publish", fields, {}, b"apple")
    elsewhere = Method(1, "broker", 1, "Basic.Publish", {**fields, "exchange": "e"}, {}, b"no")
    assert read(published, elsewhere) == [ItemEnqueued("apple", "job1", 1, 0.0)]


def test_what_the_tap_has_missed_stays_a_gap() -> None:
    gap = Gap("tap", "too much at once")
    assert read(gap) == [gap]
