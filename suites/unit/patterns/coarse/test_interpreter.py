"""RabbitMQ's records as events about items."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
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
    RequestRefused,
)
from harness.patterns.coarse.interpreter import AmqpInterpreter
from harness.tap.records import Commit, Delivery, Method, Record, Settlement

EPOCH = 1000.0


def read(*records: Record) -> list[object]:
    reader = AmqpInterpreter("job1", EPOCH)
    events: list[object] = []
    for second, record in enumerate(records):
        events += reader.feed(EPOCH + second, record)
    assert reader.drained()
    return [*events, *reader.finish()]


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


def publish(body: bytes, queue: str = "failed", exchange: str = "", connection: int = 1) -> Method:
    fields = {"exchange": exchange, "routing_key": queue}
    return Method(connection, "broker", 1, "Basic.Publish", fields, {}, body)


@pytest.mark.parametrize(
    "body",
    [
        b"apple/7",
        b"failed: apple/7, on the second try",
        b'{"error": "no", "item": "apple\\/7"}',
        b"6170706c652f37",
        b'["YXBwbGUvNw=="]',
    ],
)
def test_a_message_elsewhere_that_carries_the_item(body: bytes) -> None:
    events = read(delivery(1, b"apple/7"), publish(body), settle("ack", b"apple/7"))
    assert events[1:] == [
        MessagePublished(1, "", "failed", "apple/7", at=1.0),
        ItemSettled("apple/7", 1, "acked", "1/1", effective=None, at=2.0),
    ]


def test_a_message_elsewhere_that_carries_nothing_known() -> None:
    """Only while its sender has an item, and not again and again."""
    events = read(
        publish(b"hello"),
        delivery(1, b"apple/7"),
        *[publish(b"progress", "", "logs")] * 9,
        publish(b"progress", connection=2),
        settle("ack", b"apple/7"),
        publish(b"bye"),
    )
    told = [event for event in events if isinstance(event, MessagePublished)]
    assert told == [MessagePublished(1, "logs", "", None, at=2.0 + n) for n in range(5)]


def test_a_copy_may_go_by_another_connection_of_the_same_client_and_after_its_settlement() -> None:
    opened = [ConnectionOpened(one, "10.0.0.1", 4000 + one) for one in (1, 2)]
    events = read(
        *opened,
        delivery(1, b"apple/7"),
        publish(b"apple/7", connection=2),
        settle("ack", b"apple/7"),
        publish(b"apple/7", connection=2),
        ConnectionOpened(3, "10.0.0.3", 4000),
        publish(b"apple/7", connection=3),
    )
    told = [event for event in events if isinstance(event, MessagePublished)]
    assert [(one.connection, one.item, one.at) for one in told] == [
        (2, "apple/7", 3.0),
        (2, "apple/7", 5.0),
    ]


def test_a_commit_publishes_and_settles() -> None:
    commit = Commit(
        1, 1, (settle("ack", b"apple/7"),), (publish(b"apple/7"), publish(b"x", "job1"))
    )
    assert read(delivery(1, b"apple/7"), commit)[1:] == [
        MessagePublished(1, "", "failed", "apple/7", at=1.0),
        ItemEnqueued("x", "job1", 1, at=1.0),
        ItemSettled("apple/7", 1, "acked", "1/1", effective=None, at=1.0),
    ]


def test_what_comes_back_from_another_queue_is_there_once_more() -> None:
    back = Delivery(
        1, 1, 2, "job1", b"fig", {"headers": {"x-death": [{}]}}, redelivered=False, no_ack=False
    )
    again = msgspec.structs.replace(back, redelivered=True)
    assert [type(event) for event in read(back, again)] == [
        ItemEnqueued,
        ItemDelivered,
        ItemDelivered,
    ]


def test_queues_of_the_workers_own_are_known() -> None:
    reader = AmqpInterpreter("job1", EPOCH)
    declared = {"passive": False, "durable": True, "arguments": {}}
    for record in (
        said("Queue.Declare", queue="", **declared),
        Method(1, "client", 1, "Queue.DeclareOk", {"queue": "amq.gen-1"}),
        said("Queue.Declare", queue="job1", **declared),
        said("Queue.Bind", queue="mine", exchange="e", routing_key=""),
        publish(b"x", "failed"),
        publish(b"x", "a key", "e"),
    ):
        reader.feed(EPOCH, record)
    assert reader.queues() == ("amq.gen-1", "mine", "failed")


def refuse(code: int, why: str, name: str = "Queue.Declare") -> Method:
    index = next(one for one, kind in INDEX_MAPPING.items() if kind.name == name)
    fields = {"reply_code": code, "reply_text": why, "class_id": index >> 16}
    return Method(1, "client", 1, "Channel.Close", {**fields, "method_id": index & 0xFFFF})


def test_what_the_broker_refuses() -> None:
    arguments = {"x-queue-type": "quorum", "x-max-priority": 10, "x-single": True}
    declare = said("Queue.Declare", queue="job1", passive=False, durable=False, arguments=arguments)
    assert read(declare, refuse(406, "inequivalent arg")) == [
        RequestRefused(
            1,
            406,
            "inequivalent arg",
            "Queue.Declare",
            "job1",
            (
                "durable=false",
                "x-queue-type=quorum",
                "x-max-priority=10",
                "x-single=true",
            ),
            at=1.0,
        )
    ]
    assert read(declare, refuse(404, "no queue", "Basic.Consume")) == [
        RequestRefused(1, 404, "no queue", "Basic.Consume", at=1.0)
    ]
    assert read(refuse(320, "shutdown"), refuse(200, "bye")) == []


def test_what_the_tap_has_missed_stays_a_gap() -> None:
    gap = Gap("tap", "too much at once")
    assert read(gap) == [gap]


def test_what_was_settled_with_all_others_is_rejected_once_more_in_vain() -> None:
    """A client hands back what it has in stock, though it has acknowledged all there was."""
    told = read(
        ConnectionOpened(1, "10.0.0.1", 4000),
        consume(),
        delivery(1, b"apple"),
        delivery(2, b"banana"),
        settle("ack", b"apple", b"banana"),
        Settlement(1, 1, (2,), "reject", True, (None,), ("",)),
    )
    assert told[-2:] == [
        ItemSettled("apple", 1, "acked", "1/1", None, 4.0),
        ItemSettled("banana", 1, "acked", "1/2", None, 4.0),
    ]
