"""A small RabbitMQ: frames as they are on the wire, read by the tap's own decoder."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pamqp import body, commands, frame, header

from harness.history import Towards
from harness.suites.unit.simulator.tap import Lost, Tap, Wire
from harness.tap.protocols.amqp import Amqp
from harness.tap.records import Delivery, Message

_START = b"AMQP\x00\x00\x09\x01"
#: How often a worker looks for a delivery, in seconds.
_TICK = 0.1
#: How often one that has to ask does so.
_POLL = 0.5
#: The only channel of each connection.
_CHANNEL = 1


@dataclass
class Link:
    """What the broker knows of one connection."""

    wire: Wire
    room: int = 0
    consumes: bool = False
    no_ack: bool = False
    inbox: deque[Delivery] = field(default_factory=deque)
    #: What was delivered and not settled: its body by its tag.
    unsettled: dict[int, bytes] = field(default_factory=dict)
    tags: int = 0
    #: What waits for Tx.Commit; None outside of transactions.
    pending: list[Callable[[], None]] | None = None


class Rabbit:
    """Queues by name; `queue` is the one that the workers take from."""

    def __init__(self, tap: Tap, queue: str) -> None:
        self._tap, self.queue = tap, queue
        #: Messages, and whether they were delivered before.
        self.queues: dict[str, deque[tuple[bytes, bool]]] = {}
        self._links: dict[int, Link] = {}
        self._decoders: dict[int, Amqp] = {}

    # -- as a broker --------------------------------------------------------------------------

    def link(self, wire: Wire) -> Link:
        return self._links[wire.number]

    def opened(self, wire: Wire) -> None:
        self._links[wire.number] = Link(wire)
        self._decoders[wire.number] = Amqp(wire.number)
        self.read(wire, "broker", _START)

    def lost(self, wire: Wire) -> None:
        """What was delivered on a connection goes back to the head."""
        link = self._links.pop(wire.number, None)
        if link is None:
            return
        for one in reversed(link.unsettled.values()):
            self.queues[self.queue].appendleft((one, True))
        self.push()

    def put(self, queue: str, message: bytes) -> None:
        self.queues.setdefault(queue, deque()).append((message, False))
        self.push()

    def push(self) -> None:
        """Hand out what is there to whoever has room for it."""
        ready = self.queues.get(self.queue, deque())
        for link in self._links.values():
            while ready and link.consumes and self._has_room(link):
                message, again = ready.popleft()
                link.tags += 1
                if not link.no_ack:
                    link.unsettled[link.tags] = message
                deliver = commands.Basic.Deliver("me", link.tags, again, "", self.queue)
                (told,) = self.read(link.wire, "client", content(deliver, message))
                if isinstance(told, Delivery):
                    link.inbox.append(told)

    def fetch(self, link: Link) -> Delivery | None:
        """Hand out one to who has asked for it."""
        ready = self.queues.get(self.queue, deque())
        if not ready:
            return None
        message, again = ready.popleft()
        link.tags += 1
        link.unsettled[link.tags] = message
        said = commands.Basic.GetOk(link.tags, again, "", self.queue, len(ready))
        (told,) = self.read(link.wire, "client", content(said, message))
        return told if isinstance(told, Delivery) else None

    def _has_room(self, link: Link) -> bool:
        return not link.room or len(link.unsettled) < link.room

    def read(self, wire: Wire, towards: Towards, data: bytes) -> list[Message]:
        """What the tap makes of bytes; what the broker says is recorded at once."""
        pieces = self._decoders[wire.number].feed(towards, data)
        messages = [piece.message for piece in pieces if piece.message is not None]
        if towards == "client":
            for message in messages:
                self._tap.take(message)
        return messages

    def settle(self, link: Link, tag: int, *, requeue: bool = False) -> None:
        """A delivery is settled: now, or with the transaction."""

        def do() -> None:
            message = link.unsettled.pop(tag, None)
            if message is not None and requeue:
                self.queues[self.queue].appendleft((message, True))
            self.push()

        self._do(link, do)

    def publish(self, link: Link, queue: str, message: bytes) -> None:
        self._do(link, lambda: self.put(queue, message))

    def _do(self, link: Link, act: Callable[[], None]) -> None:
        if link.pending is None:
            act()
        else:
            link.pending.append(act)


class Channel:
    """A worker's channel."""

    def __init__(self, rabbit: Rabbit, wire: Wire) -> None:
        self._rabbit, self.wire = rabbit, wire

    @property
    def _link(self) -> Link:
        if self.wire.severed or not self.wire.open:
            raise Lost
        return self._rabbit.link(self.wire)

    def open(self) -> Generator[float, None, None]:
        yield from self._say(commands.Channel.Open())
        self._hear(commands.Channel.OpenOk())

    def qos(self, room: int) -> Generator[float, None, None]:
        yield from self._say(commands.Basic.Qos(prefetch_count=room))
        self._link.room = room
        self._hear(commands.Basic.QosOk())

    def consume(self, *, no_ack: bool = False) -> Generator[float, None, None]:
        asked = commands.Basic.Consume(queue=self._rabbit.queue, consumer_tag="me", no_ack=no_ack)
        yield from self._say(asked)
        self._hear(commands.Basic.ConsumeOk("me"))
        self._link.consumes, self._link.no_ack = True, no_ack
        self._rabbit.push()

    def get(self) -> Generator[float, None, Delivery]:
        """Ask for a message again and again until there is one."""
        while True:
            yield from self._say(commands.Basic.Get(queue=self._rabbit.queue))
            told = self._rabbit.fetch(self._link)
            if told is not None:
                yield from self.wire.passes("client", told, recorded=True)
                return told
            self._hear(commands.Basic.GetEmpty())
            yield _POLL

    def next(self) -> Generator[float, None, Delivery]:
        """Wait for a delivery."""
        while not self._link.inbox:
            yield _TICK
            if not self.wire.open:
                raise Lost
        delivery = self._link.inbox.popleft()
        yield from self.wire.passes("client", delivery, recorded=True)
        return delivery

    def more(self) -> list[Delivery]:
        """What else has come."""
        come = list(self._link.inbox)
        self._link.inbox.clear()
        return come

    def cancel(self) -> Generator[float, None, None]:
        yield from self._say(commands.Basic.Cancel("me"))
        self._link.consumes = False
        self._hear(commands.Basic.CancelOk("me"))

    def ack(self, tag: int) -> Generator[float, None, None]:
        yield from self._say(commands.Basic.Ack(tag))
        self._rabbit.settle(self._link, tag)

    def nack(self, tag: int, *, requeue: bool) -> Generator[float, None, None]:
        yield from self._say(commands.Basic.Nack(tag, requeue=requeue))
        self._rabbit.settle(self._link, tag, requeue=requeue)

    def confirms(self) -> Generator[float, None, None]:
        yield from self._say(commands.Confirm.Select())
        self._hear(commands.Confirm.SelectOk())

    def publish(
        self, queue: str, message: bytes, *, confirmed: bool = False
    ) -> Generator[float, None, None]:
        declared = commands.Queue.Declare(queue=queue, durable=True)
        yield from self._say(declared)
        self._hear(commands.Queue.DeclareOk(queue, 0, 0))
        said = commands.Basic.Publish(exchange="", routing_key=queue)
        yield from self._say(said, message)
        self._rabbit.publish(self._link, queue, message)
        if confirmed:
            self._hear(commands.Basic.Ack(1))

    def begin(self) -> Generator[float, None, None]:
        yield from self._say(commands.Tx.Select())
        self._link.pending = []
        self._hear(commands.Tx.SelectOk())

    def commit(self) -> Generator[float, None, None]:
        yield from self._say(commands.Tx.Commit())
        pending, self._link.pending = self._link.pending or [], []
        link, self._link.pending = self._link, None
        for act in pending:
            act()
        link.pending = []
        self._hear(commands.Tx.CommitOk())

    def _say(self, method: Any, message: bytes | None = None) -> Generator[float, None, None]:
        data = frame.marshal(method, _CHANNEL) if message is None else content(method, message)
        for one in self._rabbit.read(self.wire, "broker", data):
            yield from self.wire.passes("broker", one)

    def _hear(self, method: Any) -> None:
        self._rabbit.read(self.wire, "client", frame.marshal(method, _CHANNEL))


def content(method: Any, message: bytes) -> bytes:
    """A method with its content."""
    head = header.ContentHeader(body_size=len(message), properties=commands.Basic.Properties())
    parts = [method, head, *([body.ContentBody(message)] if message else [])]
    return b"".join(frame.marshal(part, _CHANNEL) for part in parts)


class Pika:
    """What the harness sees of a RabbitMQ past its tap, under the names that pika has."""

    def __init__(self, rabbit: Rabbit) -> None:
        self._rabbit = rabbit
        self.connection = SimpleNamespace(channel=lambda: self)

    def confirm_delivery(self) -> None: ...

    def queue_declare(self, queue: str, **_: Any) -> Any:
        held = self._rabbit.queues.setdefault(queue, deque())
        return SimpleNamespace(method=SimpleNamespace(message_count=len(held), consumer_count=0))

    def basic_publish(self, exchange: str, routing_key: str, body: bytes, **_: Any) -> None:
        self._rabbit.put(routing_key, body)

    def basic_get(self, queue: str, **_: Any) -> Any:
        held = self._rabbit.queues.get(queue)
        return (object(), None, held.popleft()[0]) if held else (None, None, None)

    def close(self) -> None: ...
