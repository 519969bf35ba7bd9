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

#: The folder of this pattern in `manifests/patterns`.
_MANIFESTS = "coarse"

_CAPABILITIES = Capabilities(
    judged_as="coarse",
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
    """The tutorial with coarse work items: its names, and its setup in a namespace."""

    name: str = "coarse"
    recipe: str = "rabbitmq"
    service: str = "rabbitmq-service"
    port: int = _PORT
    broker_pod: str = "rabbitmq-0"
    broker_container: str = "rabbitmq"
    #: The volume of the broker's data; it outlives the container, but not the pod.
    broker_volume: str = "rabbitmq-data"
    version_command: tuple[str, ...] = ("rabbitmqctl", "version")
    capabilities: Capabilities = _CAPABILITIES
    queue: str = "job1"
    #: The variable that gives the tutorial's worker the name of its queue.
    queue_env: str = "QUEUE"
    job: str = "job-wq-1"
    #: `BROKER_URL` for a pod; the second form is for one without cluster DNS.
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
        """Start RabbitMQ and its Service; return when it takes connections."""
        namespace.create(*broker_manifests(_MANIFESTS, image))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    def url_of(self, queue: str) -> str:
        """Return the URL amqp://…, with the default user."""
        return self.url

    def deploy_with_tap(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start RabbitMQ with its tap, and the Service; return when both take connections."""
        namespace.create(*tapped_manifests(_MANIFESTS, image, tap))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    @contextlib.contextmanager
    def connect_past_tap(self, namespace: Namespace) -> Iterator[RabbitMQ]:
        """Connect to RabbitMQ past the tap, for the length of the block."""
        with self.connect(namespace, _PORT_BEHIND_TAP) as channel:
            yield RabbitMQ(channel, namespace.timeouts.settle)

    def interpreter(
        self, queue: str, epoch: float, roles: Roles | None, how: Seeding
    ) -> AmqpInterpreter:
        """Return the interpreter of the wire; AMQP needs no learned roles."""
        return AmqpInterpreter(queue, epoch)

    def points(self, roles: Roles | None, items: Sequence[bytes]) -> Points:
        """Return the points of deliveries and acknowledgements."""
        return Points(delivery(), settlement("ack"), settlement("ack", after=True))

    def deployed(self, namespace: Namespace) -> bool:
        """Return whether there is a broker."""
        return any(pod.name == self.broker_pod for pod in namespace.pods())

    @contextlib.contextmanager
    def connect(self, namespace: Namespace, at: int = _PORT) -> Iterator[Any]:
        """Open a pika channel from outside the cluster, over a forwarded port."""
        with namespace.forward(self.broker_pod, at) as port:
            parameters = pika.ConnectionParameters(
                host="127.0.0.1",
                port=port,
                credentials=pika.PlainCredentials("guest", "guest"),
                # No thread answers heartbeats while the caller waits for something else.
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
        """Return what the queue holds at this moment."""
        declared = channel.queue_declare(self.queue, passive=True).method
        return Depth(declared.message_count, declared.consumer_count)

    def manifest(self, workers: JobOptions) -> Manifest:
        """Return the tutorial's Job, run by `workers`."""
        return with_workers(tutorial_job(_MANIFESTS), workers)

    def state(self, namespace: Namespace) -> str:
        """Return all queues with their ready and unacknowledged messages, and the consumers."""
        columns = ("name", "messages_ready", "messages_unacknowledged", "consumers")
        commands = (("list_queues", *columns), ("list_consumers",), ("list_connections",))
        outputs = []
        for command in commands:
            completed = namespace.execute(self.broker_pod, "rabbitmqctl", "--silent", *command)
            outputs.append(
                f"$ rabbitmqctl {' '.join(command)}\n{completed.stdout}{completed.stderr}"
            )
        return "\n".join(outputs)


PATTERN = Coarse()
