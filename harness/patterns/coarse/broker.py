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

_USUAL = Seeding()

#: So many messages of a queue of the workers' own are looked at.
_LOOKED_AT = 5000


@dataclass(frozen=True)
class Depth:
    """What a queue holds: messages that nobody has been given yet, and who waits for them."""

    ready: int
    consumers: int


class RabbitMQ:
    """RabbitMQ past the tap; `timeout` bounds the wait for lost connections to be noticed."""

    def __init__(self, channel: Any, timeout: float) -> None:
        self._channel, self._timeout = channel, timeout
        self._queues: set[str] = set()
        #: Queue → where it puts what was tried too often.
        self._dead: dict[str, str] = {}
        #: Queues of the workers' own.
        self._others: set[str] = set()
        channel.confirm_delivery()

    def set_delivery_limit(self, queue: str, tries: int, how: Seeding = _USUAL) -> None:
        """Declare a quorum queue with a delivery limit, and another one for what exceeds it."""
        dead = self._dead[queue] = f"{queue}.dead"
        self._queues |= {queue, dead}
        self._channel.queue_declare(dead, durable=True)
        arguments = {
            **how.of_queue,
            "x-queue-type": "quorum",
            # So often it is delivered again.
            "x-delivery-limit": tries - 1,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
        }
        self._channel.queue_declare(queue, durable=True, arguments=arguments)

    def dead_letter_count(self, queue: str) -> int:
        """How many messages are in the queue for those that were tried too often."""
        return int(self._declared(self._dead[queue]).message_count) if queue in self._dead else 0

    def seed(self, queue: str, items: Sequence[bytes], how: Seeding) -> None:
        """Declare the queue, durable, and publish into it, persistent and confirmed.

        With the arguments that the worker's user has given; `InfrastructureError` where RabbitMQ
        does not take those.
        """
        if queue not in self._dead:
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
        """Nothing: a queue that is not there is no empty one here."""

    def drain(
        self,
        queue: str,
        items: Sequence[bytes],
        dead: Sequence[str],
        how: Seeding,
        places: Places | None = None,
    ) -> tuple[list[ItemLeft | CopyLeft | ItemEnqueued], BrokerDepth]:
        """Take out all messages, once no worker is connected: what they held is back then.

        `dead` are queues of the workers' own. They are first: what waits in one may go back.
        """

        def nobody() -> None:
            if consumers := self._declared(queue).consumer_count:
                raise NotYet(f"{consumers} consumers")

        found: list[ItemLeft | CopyLeft | ItemEnqueued] = []
        self._others |= {*dead} - self._queues
        for other in sorted({*dead} - self._queues):
            if self._is_there(other):
                found += self._copies(other, items)
        if not self._is_there(queue):
            return found, BrokerDepth(queue, ready=0, unacked=0, final=True)
        wait_until(f"the last consumer of {queue} to be gone", nobody, timeout=self._timeout)
        ready = 0
        for method, properties, body in self._taken(queue):
            ready += 1
            if _moved(properties) and not method.redelivered:
                # It came back from another queue, and nobody has seen it come.
                found.append(ItemEnqueued(payload(body), queue))
            found.append(ItemLeft(payload(body), queue, "ready"))
        depth = BrokerDepth(queue, ready=ready, unacked=0, final=True)
        if place := self._dead.get(queue):
            found += [ItemLeft(payload(body), place, "dead") for _, _, body in self._taken(place)]
        return found, depth

    def residual_keys(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """Consumers of whom the broker still believes that they are there."""
        count = self._declared(queue).consumer_count
        return (f"{count} consumers of {queue}",) if count else ()

    def state_after_restart(self, queue: str) -> BrokerBack | None:
        """A durable queue is there again, or all that there was is lost."""
        there = self._is_there(queue)
        if there:
            self._queues.add(queue)
        return BrokerBack(int(there), kept=there)

    def clear(self) -> None:
        """Delete the queues that were filled, and the workers' own."""
        for queue in (*self._queues, *self._others):
            self._channel.queue_delete(queue)
        self._queues.clear()
        self._others.clear()
        self._dead.clear()

    def _declare(self, queue: str, how: Seeding) -> None:
        if not how.arguments:
            self._channel.queue_declare(queue, durable=True)
            return
        # What RabbitMQ does not take costs the channel.
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
        """What is left in another queue, and carries one of the items."""
        for _, properties, body in islice(self._taken(queue), _LOOKED_AT):
            aside = _moved(properties)
            for item in dict.fromkeys(items):
                if carries(body, item):
                    yield CopyLeft(payload(item), queue, aside)

    def _taken(self, queue: str) -> Iterator[tuple[Any, Any, bytes]]:
        """All messages of a queue, taken out."""
        while (got := self._channel.basic_get(queue, auto_ack=True))[0] is not None:
            yield got

    def _is_there(self, queue: str) -> bool:
        # To ask for a queue that is not there costs the channel.
        channel = self._channel.connection.channel()
        try:
            channel.queue_declare(queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
        channel.close()
        return True

    def _declared(self, queue: str) -> Any:
        return self._channel.queue_declare(queue, passive=True).method


def _moved(properties: Any) -> bool:
    return dead_lettered({"headers": getattr(properties, "headers", None)})
