"""RabbitMQ's queue that counts attempts: how it is declared, and what it has set aside."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

from harness.history import BrokerDepth, ItemLeft
from harness.patterns.coarse.broker import RabbitMQ
from harness.patterns.seeding import Seeding


class Channel:
    """A channel to a RabbitMQ that keeps messages and counts nothing."""

    def __init__(self) -> None:
        self.declared: dict[str, dict[str, Any]] = {}
        self.messages: defaultdict[str, list[bytes]] = defaultdict(list)
        self.connection = SimpleNamespace(channel=lambda: self)

    def close(self) -> None:
        """It is the only one."""

    def confirm_delivery(self) -> None:
        """As it is done already."""

    def queue_declare(self, queue: str, **how: Any) -> Any:
        if not how.get("passive"):
            assert queue not in self.declared, "the broker refuses another kind of queue"
            self.declared[queue] = how.get("arguments", {})
        count = len(self.messages[queue])
        return SimpleNamespace(method=SimpleNamespace(message_count=count, consumer_count=0))

    def basic_publish(self, *, routing_key: str, body: bytes, **_: Any) -> None:
        self.messages[routing_key].append(body)

    def basic_get(self, queue: str, *, auto_ack: bool) -> tuple[Any, Any, bytes | None]:
        assert auto_ack
        there = self.messages[queue]
        return (object(), None, there.pop(0)) if there else (None, None, None)

    def queue_delete(self, queue: str) -> None:
        del self.declared[queue]


def test_it_gives_out_a_message_as_often_as_is_said() -> None:
    channel = Channel()
    RabbitMQ(channel, 1).set_delivery_limit("q", 5)
    arguments = channel.declared["q"]
    assert arguments["x-queue-type"] == "quorum"
    assert arguments["x-delivery-limit"] == 4  # so often again
    assert arguments["x-dead-letter-routing-key"] in channel.declared


def test_what_it_has_set_aside_is_found() -> None:
    channel = Channel()
    broker = RabbitMQ(channel, 1)
    broker.set_delivery_limit("q", 5)
    broker.seed("q", [b"apple"], Seeding())
    assert broker.dead_letter_count("q") == 0
    channel.messages["q.dead"].append(b"banana")
    assert broker.dead_letter_count("q") == 1
    left, depth = broker.drain("q", [b"apple", b"banana"], (), Seeding())
    assert left == [ItemLeft("apple", "q", "ready"), ItemLeft("banana", "q.dead", "dead")]
    assert depth == BrokerDepth("q", ready=1, unacked=0, final=True)


def test_the_next_run_has_a_queue_as_on_the_task_page() -> None:
    channel = Channel()
    broker = RabbitMQ(channel, 1)
    broker.set_delivery_limit("q", 5)
    broker.clear()
    assert not channel.declared
    broker.seed("q", [b"apple"], Seeding())
    assert channel.declared == {"q": {}}
    assert broker.dead_letter_count("q") == 0
