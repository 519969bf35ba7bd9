"""The two brokers of the bench: how they are filled, and what the tap must have told of them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pika
import redis

from harness.core.clock import NotYet, wait_until
from harness.history import Gap
from harness.infra.kube import Namespace
from harness.tap.records import Delivery, Effect, Monitored, Record, Reply, Settlement


class Tally:
    """Counts what the tap tells."""

    def __init__(self) -> None:
        self.records = 0
        self.seen: Counter[str] = Counter()
        self.trouble: list[str] = []

    def take(self, _: float, record: Record) -> None:
        self.records += 1
        if isinstance(record, Monitored | Effect):
            self.seen[f"{type(record).__name__} {record.words[0].decode().upper()}"] += 1
        elif isinstance(record, Reply):
            self.seen[f"Reply {record.command.name} {type(record.value).__name__}"] += 1
        elif isinstance(record, Delivery | Settlement):
            self.seen[f"{type(record).__name__} {getattr(record, 'queue', 'all')}"] += 1
        elif isinstance(record, Gap):
            self.trouble.append(f"{record.of}: {record.why}")

    def lost(self, why: str) -> None:
        self.trouble.append(why)


@dataclass(frozen=True)
class Redis:
    """Redis, as the fine pattern has it."""

    pattern: str = "fine"
    recipe: str = "redis"
    service: str = "redis"
    pod: str = "redis-master"
    port: int = 6379
    behind: int = 6380
    protocol: str = "redis"

    @contextlib.contextmanager
    def connect(self, namespace: Namespace, port: int) -> Iterator[Any]:
        with (
            namespace.forward(self.pod, port) as local,
            redis.Redis("127.0.0.1", local, socket_timeout=30) as client,
        ):
            yield client

    def fill(self, client: Any, items: int) -> None:
        for start in range(0, items, 1000):
            client.rpush("work", *(f"item-{n}" for n in range(start, min(start + 1000, items))))

    def go(self, client: Any, workers: int) -> None:
        client.rpush("go", *("go" for _ in range(workers)))

    def left(self, client: Any) -> int:
        return int(client.llen("work") + client.llen("work:processing"))

    def wrong(self, tally: Tally, items: int) -> list[str]:
        """Where the tap's count is not the broker's."""
        wanted = {
            "Reply RPOPLPUSH bytes": items,
            "Reply LREM int": items,
            "Monitored LREM": items,
            "Effect LREM": items,
            "Effect RPOPLPUSH": items,
        }
        return _differences(tally, wanted)


@dataclass(frozen=True)
class RabbitMQ:
    """RabbitMQ, as the coarse pattern has it."""

    pattern: str = "coarse"
    recipe: str = "rabbitmq"
    service: str = "rabbitmq-service"
    pod: str = "rabbitmq-0"
    port: int = 5672
    behind: int = 5673
    protocol: str = "amqp"

    @contextlib.contextmanager
    def connect(self, namespace: Namespace, port: int) -> Iterator[Any]:
        with namespace.forward(self.pod, port) as local:
            parameters = pika.ConnectionParameters("127.0.0.1", local, heartbeat=0)
            with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
                channel = connection.channel()
                for queue in ("go", "work"):
                    channel.queue_declare(queue)
                yield channel

    def fill(self, channel: Any, items: int) -> None:
        for number in range(items):
            channel.basic_publish("", "work", f"item-{number}".encode())

        def all_there() -> None:
            if (ready := self.left(channel)) < items:
                raise NotYet(f"{ready} messages")

        wait_until(f"{items} messages in the queue", all_there, timeout=60)

    def go(self, channel: Any, workers: int) -> None:
        for _ in range(workers):
            channel.basic_publish("", "go", b"go")

    def left(self, channel: Any) -> int:
        return int(channel.queue_declare("work", passive=True).method.message_count)

    def wrong(self, tally: Tally, items: int) -> list[str]:
        """Where the tap's count is not the broker's."""
        settled = items + tally.seen["Delivery go"]
        return _differences(tally, {"Delivery work": items, "Settlement all": settled})


def _differences(tally: Tally, wanted: dict[str, int]) -> list[str]:
    seen = [
        f"{name}: {tally.seen[name]}, not {count}"
        for name, count in wanted.items()
        if tally.seen[name] != count
    ]
    return seen + tally.trouble
