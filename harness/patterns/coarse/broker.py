"""RabbitMQ, reached past the tap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pika  # type: ignore[import-untyped]  # has no types

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError
from harness.history import BrokerBack, BrokerDepth, CopyLeft, ItemEnqueued, ItemLeft, payload
from harness.patterns.base import Places
from harness.patterns.coarse.interpreter import dead_lettered
from harness.patterns.seeding import Seeding
from harness.tap.content import carries

PERSISTENT = 2

_DEFAULT_SEEDING = Seeding()

#: How many messages of a worker's own queue the harness inspects.
_COPY_LIMIT = 5000


@dataclass(frozen=True)
class Depth:
    """The content of a queue: the number of ready messages and of waiting consumers."""

    ready: int
    consumers: int


class RabbitMQ:
    """RabbitMQ past the tap; `timeout` (seconds) limits the wait for lost connections to end."""

    def __init__(self, channel: Any, timeout: float) -> None:
        self._channel, self._timeout = channel, timeout
        self._queues: set[str] = set()
        #: Queue → its dead-letter queue.
        self._dead_letter_queues: dict[str, str] = {}
        #: The workers' own queues.
        self._worker_queues: set[str] = set()
        channel.confirm_delivery()

    def set_delivery_limit(self, queue: str, tries: int, how: Seeding = _DEFAULT_SEEDING) -> None:
        """Declare a quorum queue with a delivery limit, and its dead-letter queue."""
        dead = self._dead_letter_queues[queue] = f"{queue}.dead"
        self._queues |= {queue, dead}
        self._channel.queue_declare(dead, durable=True)
        arguments = {
            **how.of_queue,
            "x-queue-type": "quorum",
            # The limit counts redeliveries only.
            "x-delivery-limit": tries - 1,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
        }
        self._channel.queue_declare(queue, durable=True, arguments=arguments)

    def dead_letter_count(self, queue: str) -> int:
        """Return how many messages are in the dead-letter queue of this queue."""
        return (
            int(self._declare_passive(self._dead_letter_queues[queue]).message_count)
            if queue in self._dead_letter_queues
            else 0
        )

    def seed(self, queue: str, items: Sequence[bytes], how: Seeding) -> None:
        """Declare the queue, durable, and publish into it, persistent and confirmed.

        The declaration has the arguments of the worker's user. Raises `InfrastructureError` if
        RabbitMQ does not accept them.
        """
        if queue not in self._dead_letter_queues:
            self._queues.add(queue)
            self._declare(queue, how)
        for item in items:
            self._channel.basic_publish(
                exchange="",
                routing_key=queue,
                body=item,
                properties=pika.BasicProperties(delivery_mode=PERSISTENT),
                mandatory=True,
            )

    def set_sentinel(self, key: str) -> None:
        """Do nothing: RabbitMQ distinguishes a missing queue from an empty one."""

    def drain(
        self,
        queue: str,
        items: Sequence[bytes],
        dead: Sequence[str],
        how: Seeding,
        places: Places | None = None,
    ) -> tuple[list[ItemLeft | CopyLeft | ItemEnqueued], BrokerDepth]:
        """Take out all messages, once no worker is connected and their messages are back.

        `dead` are other queues of the workers. They come first: a message that waits in one may
        return to the main queue.
        """

        def check_no_consumer() -> None:
            if consumers := self._declare_passive(queue).consumer_count:
                raise NotYet(f"{consumers} consumers")

        observations: list[ItemLeft | CopyLeft | ItemEnqueued] = []
        self._worker_queues |= {*dead} - self._queues
        for other in sorted({*dead} - self._queues):
            if self._exists(other):
                observations += self._copies(other, items)
        if not self._exists(queue):
            return observations, BrokerDepth(queue, ready=0, unacked=0, final=True)
        wait_until(
            f"the last consumer of {queue} to be gone", check_no_consumer, timeout=self._timeout
        )
        ready = 0
        for method, properties, body in self._take_messages(queue):
            ready += 1
            if _was_moved(properties) and not method.redelivered:
                # It came back from another queue, and no record shows that.
                observations.append(ItemEnqueued(payload(body), queue))
            observations.append(ItemLeft(payload(body), queue, "ready"))
        depth = BrokerDepth(queue, ready=ready, unacked=0, final=True)
        if dead_letter_queue := self._dead_letter_queues.get(queue):
            observations += [
                ItemLeft(payload(body), dead_letter_queue, "dead")
                for _, _, body in self._take_messages(dead_letter_queue)
            ]
        return observations, depth

    def residual_keys(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """Return the consumers that the broker still believes to be connected."""
        count = self._declare_passive(queue).consumer_count
        return (f"{count} consumers of {queue}",) if count else ()

    def state_after_restart(self, queue: str) -> BrokerBack | None:
        """Return the state after a restart: the durable queue exists, or all data is lost."""
        exists = self._exists(queue)
        if exists:
            self._queues.add(queue)
        return BrokerBack(int(exists), kept=exists)

    def clear(self) -> None:
        """Delete the queues that the harness filled, and the workers' own."""
        for queue in (*self._queues, *self._worker_queues):
            self._channel.queue_delete(queue)
        self._queues.clear()
        self._worker_queues.clear()
        self._dead_letter_queues.clear()

    def _declare(self, queue: str, how: Seeding) -> None:
        if not how.arguments:
            self._channel.queue_declare(queue, durable=True)
            return
        # RabbitMQ closes the channel if it refuses a declaration.
        channel = self._channel.connection.channel()
        try:
            channel.queue_declare(queue, durable=how.durable, arguments=how.of_queue)
        except (
            pika.exceptions.ChannelClosedByBroker,
            pika.exceptions.UnsupportedAMQPFieldException,
        ) as error:
            raise InfrastructureError(
                f"RabbitMQ does not take the queue {queue} as --queue-args describes it",
                expected="arguments of a durable queue, as x-queue-type=quorum",
                seen=str(error),
            ) from None
        channel.close()

    def _copies(self, queue: str, items: Sequence[bytes]) -> Iterator[CopyLeft]:
        """Yield the messages in another queue that carry one of the items."""
        for _, properties, body in islice(self._take_messages(queue), _COPY_LIMIT):
            moved = _was_moved(properties)
            for item in dict.fromkeys(items):
                if carries(body, item):
                    yield CopyLeft(payload(item), queue, moved)

    def _take_messages(self, queue: str) -> Iterator[tuple[Any, Any, bytes]]:
        """Take all messages out of a queue, and yield them."""
        while (message := self._channel.basic_get(queue, auto_ack=True))[0] is not None:
            yield message

    def _exists(self, queue: str) -> bool:
        # RabbitMQ closes the channel on a passive declaration of a missing queue.
        channel = self._channel.connection.channel()
        try:
            channel.queue_declare(queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
        channel.close()
        return True

    def _declare_passive(self, queue: str) -> Any:
        return self._channel.queue_declare(queue, passive=True).method


def _was_moved(properties: Any) -> bool:
    return dead_lettered({"headers": getattr(properties, "headers", None)})
