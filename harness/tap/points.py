"""Protocol points: moments in the talk with a broker, told by one message.

A point towards the broker is before the command reaches it; one towards the client is before
the worker gets the reply. With `after`, the message goes on and what follows it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.history import Towards
from harness.tap.records import Command, Delivery, ErrorReply, Message, Method, Reply, Settlement


@dataclass(frozen=True)
class Point:
    """A moment: in this direction, when `test` says yes to a message."""

    name: str
    towards: Towards
    test: Callable[[Message], bool]
    #: Hold what comes after the message, in both directions.
    after: bool = False


def command(*names: str, having: bytes | None = None, after: bool = False) -> Point:
    """A Redis command of one of these names (in capitals); `having`: it is one of its words."""

    def test(message: Message) -> bool:
        return (
            isinstance(message, Command)
            and message.name in names
            and (having is None or having in message.words)
        )

    return Point(f"{_when(after)} command {'/'.join(names)}", "broker", test, after)


def reply(*names: str, found: bool | None = None, after: bool = False) -> Point:
    """Redis' answer to such a command.

    `found` asks for one that brings something (True), or nothing: None, an empty list, 0 (False).
    """

    def test(message: Message) -> bool:
        if not isinstance(message, Reply) or message.command.name not in names:
            return False
        if found is None:
            return True
        return not isinstance(message.value, ErrorReply) and bool(message.value) == found

    return Point(f"{_when(after)} reply to {'/'.join(names)}", "client", test, after)


def delivery(*, body: bytes | None = None, after: bool = False) -> Point:
    """A message for a worker: by its content, or the next one."""

    def test(message: Message) -> bool:
        return isinstance(message, Delivery) and (body is None or message.body == body)

    return Point(f"{_when(after)} delivery", "client", test, after)


def settlement(*hows: str, after: bool = False) -> Point:
    """A worker's ack, nack or reject (one of `hows`, or any)."""

    def test(message: Message) -> bool:
        return isinstance(message, Settlement) and (not hows or message.how in hows)

    return Point(f"{_when(after)} {'/'.join(hows) or 'settlement'}", "broker", test, after)


def method(towards: Towards, *names: str, after: bool = False) -> Point:
    """Any other AMQP method, as "Connection.CloseOk"."""

    def test(message: Message) -> bool:
        return isinstance(message, Method) and message.name in names

    return Point(f"{_when(after)} {'/'.join(names)}", towards, test, after)


def _when(after: bool) -> str:
    return "after" if after else "before"
