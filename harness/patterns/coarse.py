"""Coarse: a pod takes exactly one message from RabbitMQ, works on it and exits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pika  # type: ignore[import-untyped]  # has no types

from harness.kube import Manifest, Namespace
from harness.patterns import Workers, broker_manifests, page_job, with_workers

_PORT = 5672
_PERSISTENT = 2


@dataclass(frozen=True)
class Depth:
    """What a queue holds: messages that nobody has been given yet, and who waits for them."""

    ready: int
    consumers: int


@dataclass(frozen=True)
class Coarse:
    """The coarse task page: its names, and how to set it up in a namespace."""

    name: str = "coarse"
    recipe: str = "rabbitmq"
    service: str = "rabbitmq-service"
    broker_pod: str = "rabbitmq-0"
    queue: str = "job1"
    job: str = "job-wq-1"
    #: `BROKER_URL` for a pod, also for one without cluster DNS.
    url: str = "amqp://guest:guest@rabbitmq-service:5672"
    url_by_address: str = "amqp://guest:guest@$(RABBITMQ_SERVICE_SERVICE_HOST):5672"
    items: tuple[str, ...] = (
        "apple",
        "banana",
        "cherry",
        "date",
        "fig",
        "grape",
        "lemon",
        "melon",
    )

    def deploy(self, namespace: Namespace, image: str) -> None:
        """Start RabbitMQ and its Service; returns when it takes connections."""
        namespace.create(*broker_manifests(self.name, image))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    def deployed(self, namespace: Namespace) -> bool:
        """Whether there is a broker to look at."""
        return any(pod.name == self.broker_pod for pod in namespace.pods())

    @contextlib.contextmanager
    def connect(self, namespace: Namespace) -> Iterator[Any]:
        """A pika channel from outside the cluster, over a forwarded port."""
        with namespace.forward(self.broker_pod, _PORT) as port:
            parameters = pika.ConnectionParameters(
                host="127.0.0.1",
                port=port,
                credentials=pika.PlainCredentials("guest", "guest"),
                # Nobody serves this connection while its owner waits for something else.
                heartbeat=0,
                socket_timeout=namespace.timeouts.api,
                blocked_connection_timeout=namespace.timeouts.api,
            )
            with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
                yield connection.channel()

    def fill(self, channel: Any, items: Iterable[str]) -> None:
        """Declare the queue, durable, and publish `items` into it, persistent and confirmed."""
        channel.confirm_delivery()
        channel.queue_declare(self.queue, durable=True)
        for item in items:
            channel.basic_publish(
                exchange="",
                routing_key=self.queue,
                body=item.encode(),
                properties=pika.BasicProperties(delivery_mode=_PERSISTENT),
                mandatory=True,
            )

    def depth(self, channel: Any) -> Depth:
        """What the queue holds at this moment."""
        seen = channel.queue_declare(self.queue, passive=True).method
        return Depth(seen.message_count, seen.consumer_count)

    def manifest(self, workers: Workers) -> Manifest:
        """The page's Job, run by `workers`."""
        return with_workers(page_job(self.name), workers)

    def state(self, namespace: Namespace) -> str:
        """All queues with their messages, ready and unacknowledged, and consumers."""
        columns = ("name", "messages_ready", "messages_unacknowledged", "consumers")
        lists = (("list_queues", *columns), ("list_consumers",), ("list_connections",))
        told = []
        for words in lists:
            done = namespace.execute(self.broker_pod, "rabbitmqctl", "--silent", *words)
            told.append(f"$ rabbitmqctl {' '.join(words)}\n{done.stdout}{done.stderr}")
        return "\n".join(told)


PATTERN = Coarse()
