"""Coarse: a pod takes exactly one message from RabbitMQ, works on it and exits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pika  # type: ignore[import-untyped]  # has no types

from harness.infra.kube import Manifest, Namespace
from harness.patterns.base import Capabilities, Points
from harness.patterns.coarse.broker import PERSISTENT, Depth, RabbitMQ
from harness.patterns.coarse.interpreter import AmqpInterpreter
from harness.patterns.command_roles import Roles
from harness.patterns.job_manifest import (
    JobOptions,
    broker_manifests,
    tapped_manifests,
    tutorial_job,
    with_workers,
)
from harness.patterns.seeding import Seeding
from harness.tap.points import delivery, settlement

_PORT = 5672

_PORT_BEHIND_TAP = 5673

_CAPABILITIES = Capabilities(
    one_item_per_pod=True,
    has_leases=False,
    has_delivery_limit=True,
    answers_settlements=False,
    shows_enqueued_items=False,
    recognises_lost_queue=True,
    has_sentinel=False,
    has_queue_arguments=True,
    seeds=("queue",),
)


@dataclass(frozen=True)
class Coarse:
    """The coarse task page: its names, and how to set it up in a namespace."""

    name: str = "coarse"
    recipe: str = "rabbitmq"
    service: str = "rabbitmq-service"
    port: int = _PORT
    broker_pod: str = "rabbitmq-0"
    broker_container: str = "rabbitmq"
    #: What its data lie in; it outlives the container, but not the pod.
    broker_volume: str = "rabbitmq-data"
    version_command: tuple[str, ...] = ("rabbitmqctl", "version")
    capabilities: Capabilities = _CAPABILITIES
    queue: str = "job1"
    #: The page's Job tells its worker the queue by this variable.
    queue_env: str = "QUEUE"
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

    def url_of(self, queue: str) -> str:
        """amqp://…, with the default user."""
        return self.url

    def deploy_with_tap(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start RabbitMQ with its tap, and the Service; returns when both take connections."""
        namespace.create(*tapped_manifests(self.name, image, tap))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    @contextlib.contextmanager
    def connect_past_tap(self, namespace: Namespace) -> Iterator[RabbitMQ]:
        """RabbitMQ, past the tap."""
        with self.connect(namespace, _PORT_BEHIND_TAP) as channel:
            yield RabbitMQ(channel, namespace.timeouts.settle)

    def interpreter(
        self, queue: str, epoch: float, roles: Roles | None, how: Seeding
    ) -> AmqpInterpreter:
        """What reads the wire; AMQP says itself what is what."""
        return AmqpInterpreter(queue, epoch)

    def points(self, roles: Roles | None, items: Sequence[bytes]) -> Points:
        """Deliveries and acknowledgements."""
        return Points(delivery(), settlement("ack"), settlement("ack", after=True))

    def deployed(self, namespace: Namespace) -> bool:
        """Whether there is a broker to look at."""
        return any(pod.name == self.broker_pod for pod in namespace.pods())

    @contextlib.contextmanager
    def connect(self, namespace: Namespace, at: int = _PORT) -> Iterator[Any]:
        """A pika channel from outside the cluster, over a forwarded port."""
        with namespace.forward(self.broker_pod, at) as port:
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
                properties=pika.BasicProperties(delivery_mode=PERSISTENT),
                mandatory=True,
            )

    def depth(self, channel: Any) -> Depth:
        """What the queue holds at this moment."""
        seen = channel.queue_declare(self.queue, passive=True).method
        return Depth(seen.message_count, seen.consumer_count)

    def manifest(self, workers: JobOptions) -> Manifest:
        """The page's Job, run by `workers`."""
        return with_workers(tutorial_job(self.name), workers)

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
