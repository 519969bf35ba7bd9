"""The whole way with a real RabbitMQ in the cluster: clients, the tap, events."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pika  # type: ignore[import-untyped]  # has no types
import pytest

from harness.fixtures.cluster import LoadedImages
from harness.history import (
    AskedForItem,
    ConnectionClosed,
    ItemDelivered,
    ItemReturned,
    ItemSettled,
    NotUnderstood,
    Observation,
)
from harness.infra.kube import Kube
from harness.patterns.coarse.interpreter import AmqpInterpreter
from harness.patterns.coarse.pattern import PATTERN as COARSE
from harness.tap.protocols.amqp import Amqp
from harness.tap.proxy.proxy import Proxy
from harness.tap.records import RawFeedData, Record
from harness.tap.redis_feed.parser import FeedParser

BOUND = 60.0
AMQP = 5672


class Scene:
    """A tap before the RabbitMQ, in a loop of its own; what it records is kept."""

    def __init__(self, upstream: tuple[str, int], queue: str) -> None:
        self.queue = queue
        self._upstream = upstream
        self._records: list[tuple[float, Record]] = []
        self._reading = FeedParser()
        self._loop = asyncio.new_event_loop()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._port = 0
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._main(),), daemon=True
        )

    def __enter__(self) -> Scene:
        self._thread.start()
        assert self._ready.wait(BOUND), "the tap did not begin"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(BOUND)
        assert not self._thread.is_alive(), "the tap did not end"
        self._loop.close()

    def client(self, *, direct: bool = False) -> Any:
        """A connection, through the tap or past it."""
        host, port = self._upstream if direct else ("127.0.0.1", self._port)
        parameters = pika.ConnectionParameters(host, port, heartbeat=0, socket_timeout=BOUND)
        return pika.BlockingConnection(parameters)

    def fill(self, *items: str) -> None:
        connection = self.client(direct=True)
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(self.queue, durable=True)
        for item in items:
            channel.basic_publish("", self.queue, item.encode())
        connection.close()

    async def _main(self) -> None:
        proxy = Proxy(self._upstream, Amqp, self._record)
        self._port = await proxy.start()
        self._ready.set()
        await self._over.wait()
        await proxy.stop()

    def _record(self, record: Record | RawFeedData) -> None:
        at = time.time()
        read = self._reading.read(record) if isinstance(record, RawFeedData) else (record,)
        self._records += [(at, one) for one in read]

    def read(self) -> list[Observation]:
        """What all records say, once the scene is over."""
        reader = AmqpInterpreter(self.queue, self._records[0][0])
        events = [event for at, record in self._records for event in reader.feed(at, record)]
        events += reader.finish()
        assert not [one for one in events if isinstance(one, NotUnderstood)]
        return events


@pytest.fixture(scope="module")
def upstream(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """A RabbitMQ in a namespace of its own, over a forwarded port."""
    images: LoadedImages = request.getfixturevalue("images")
    kube: Kube = request.getfixturevalue("kube")
    namespace = kube.create_namespace("live-rabbitmq")
    try:
        COARSE.deploy(namespace, images.load(COARSE.recipe))
        with namespace.forward(COARSE.broker_pod, AMQP) as port:
            yield "127.0.0.1", port
    finally:
        kube.delete_namespace(namespace.name)


@pytest.fixture
def live(upstream: tuple[str, int], request: pytest.FixtureRequest) -> Scene:
    """With a queue of its own."""
    return Scene(upstream, request.node.name)


def about_items(events: list[Observation]) -> list[tuple[str, str]]:
    kinds = (ItemDelivered, ItemSettled, ItemReturned)
    return [(type(one).__name__, str(one.item)) for one in events if isinstance(one, kinds)]


def take(channel: Any, queue: str, end: Callable[[Any, Any], None]) -> str:
    """The next message, consumed with a prefetch of one; `end` is what becomes of it."""
    for method, _, body in channel.consume(queue, inactivity_timeout=BOUND):
        assert method is not None
        end(channel, method.delivery_tag)
        return bytes(body).decode()
    raise AssertionError("nothing came")


def test_what_is_taken_and_acknowledged(live: Scene) -> None:
    with live:
        live.fill("a", "b", "c")
        connection = live.client()
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        taken = [take(channel, live.queue, lambda to, tag: to.basic_ack(tag)) for _ in "abc"]
        connection.close()
    assert taken == ["a", "b", "c"]
    events = live.read()
    assert about_items(events) == [
        (what, item) for item in "abc" for what in ("ItemDelivered", "ItemSettled")
    ]
    asked = [one for one in events if isinstance(one, AskedForItem)]
    assert asked[0].room == 1


def test_what_is_given_back_or_refused(live: Scene) -> None:
    with live:
        live.fill("a")
        connection = live.client()
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        take(channel, live.queue, lambda to, tag: to.basic_nack(tag, requeue=True))
        take(channel, live.queue, lambda to, tag: to.basic_reject(tag, requeue=False))
        connection.close()
    events = live.read()
    assert about_items(events) == [
        ("ItemDelivered", "a"),
        ("ItemReturned", "a"),
        ("ItemDelivered", "a"),
        ("ItemSettled", "a"),
    ]
    delivered = [one.redelivered for one in events if isinstance(one, ItemDelivered)]
    assert delivered == [False, True]
    assert [one.how for one in events if isinstance(one, ItemSettled)] == ["refused"]


def test_what_a_lost_connection_had_comes_to_another(live: Scene) -> None:
    with live:
        live.fill("a")
        first, second = live.client(), live.client()
        take(first.channel(), live.queue, lambda *_: None)
        first.close()
        take(second.channel(), live.queue, lambda to, tag: to.basic_ack(tag))
        second.close()
    events = live.read()
    assert about_items(events) == [
        ("ItemDelivered", "a"),
        ("ItemDelivered", "a"),
        ("ItemSettled", "a"),
    ]
    delivered = [one for one in events if isinstance(one, ItemDelivered)]
    assert [one.redelivered for one in delivered] == [False, True]
    closed = [one.connection for one in events if isinstance(one, ConnectionClosed)]
    assert closed[0] == delivered[0].connection


def test_a_message_that_is_asked_for_by_itself(live: Scene) -> None:
    with live:
        live.fill("a")
        connection = live.client()
        channel = connection.channel()
        method, _, _ = channel.basic_get(live.queue)
        channel.basic_ack(method.delivery_tag)
        assert channel.basic_get(live.queue)[0] is None
        connection.close()
    names = [type(one).__name__ for one in live.read()]
    assert [one for one in names if "Connection" not in one] == [
        "AskedForItem",
        "ItemDelivered",
        "ItemSettled",
        "AskedForItem",
        "FoundEmpty",
    ]
