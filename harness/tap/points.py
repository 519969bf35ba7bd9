"""Protocol points: moments in the conversation with a broker, defined by one message.

A point towards the broker is before the command reaches it; one towards the client is before the
worker gets the reply. With `after`, the message passes, and the messages after it do not. A point
is data, so that it can be sent to a tap and stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from harness.history import Towards
from harness.tap.content import found
from harness.tap.records import (
    Command,
    Commit,
    Delivery,
    ErrorReply,
    Message,
    Method,
    Reply,
    Settlement,
)

Kind = Literal["command", "reply", "delivery", "settlement", "method"]


class Signature(msgspec.Struct, frozen=True):
    """The first two words of a Redis command, the name in capitals: `LREM job2:processing`.

    A key that ends with `*` matches all keys with this prefix, as for one list per worker.
    """

    name: str
    key: bytes

    @classmethod
    def of(cls, command: Command) -> Signature:
        """Return the signature of a command; its key is empty when the command is a single word."""
        return cls(command.name, command.words[1] if len(command.words) > 1 else b"")


class Point(msgspec.Struct, frozen=True):
    """A moment: a message of this kind and direction that satisfies all conditions below."""

    name: str
    towards: Towards
    kind: Kind
    #: Names of commands (in capitals; for a reply, of its command) or methods, or kinds of
    #: settlement.
    names: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()
    #: It contains one of these: a word of a command; the body of a delivery or settlement; for a
    #: reply, any part of it or of its command, in any readable form (JSON, hexadecimal digits).
    items: tuple[bytes, ...] = ()
    #: Replies: whether they bring a value. None, 0 and a list of only these bring none; an error
    #: never matches.
    found: bool | None = None
    #: Hold the messages after this one, in both directions.
    after: bool = False
    #: Replies to these commands match without an item: neither they nor their commands contain one.
    unnamed: tuple[Signature, ...] = ()

    def fits(self, message: Message) -> bool:
        """Whether this message matches the point; the caller checks the direction."""
        return _FITS[self.kind](self, message)


def command(
    *names: str,
    having: bytes | None = None,
    signatures: tuple[Signature, ...] = (),
    after: bool = False,
) -> Point:
    """Return the point of a Redis command with one of these names (in capitals).

    Args:
        names: Any of these names; without names and signatures any command.
        having: A word that the command contains.
        signatures: In addition to `names`, commands with one of these signatures.
        after: Hold the messages after it.
    """
    name = f"{_when(after)} command {_listed(names, signatures)}"
    return Point(name, "broker", "command", names, signatures, _as_tuple(having), after=after)


def reply(
    *names: str,
    having: bytes | None = None,
    signatures: tuple[Signature, ...] = (),
    found: bool | None = None,
    after: bool = False,
) -> Point:
    """Return the point of Redis' reply to such a command.

    It also matches the reply to EXEC of a transaction with such a command.
    """
    name = f"{_when(after)} reply to {_listed(names, signatures)}"
    return Point(name, "client", "reply", names, signatures, _as_tuple(having), found, after)


def delivery(*, body: bytes | None = None, after: bool = False) -> Point:
    """Return the point of a message for a worker: with this content, or the next one."""
    return Point(
        f"{_when(after)} delivery", "client", "delivery", items=_as_tuple(body), after=after
    )


def settlement(*hows: str, body: bytes | None = None, after: bool = False) -> Point:
    """Return the point of a worker's ack, nack or reject of a message.

    Without `hows` it matches any of them, without `body` any message. In a transaction the point is
    the commit, with which the settlement takes effect.
    """
    name = f"{_when(after)} {'/'.join(hows) or 'settlement'}"
    return Point(name, "broker", "settlement", hows, items=_as_tuple(body), after=after)


def method(towards: Towards, *names: str, after: bool = False) -> Point:
    """Return the point of any other AMQP method, as "Connection.CloseOk"."""
    return Point(f"{_when(after)} {'/'.join(names)}", towards, "method", names, after=after)


def _when(after: bool) -> str:
    return "after" if after else "before"


def _as_tuple(item: bytes | None) -> tuple[bytes, ...]:
    return () if item is None else (item,)


def _listed(names: tuple[str, ...], signatures: tuple[Signature, ...]) -> str:
    keyed = (
        f"{signature.name} {signature.key.decode(errors='backslashreplace')}"
        for signature in signatures
    )
    return "/".join((*names, *keyed)) or "any"


# -- what fits ------------------------------------------------------------------------------------


def _command(point: Point, message: Message) -> bool:
    return (
        isinstance(message, Command)
        and _is_meant(point, message)
        and (not point.items or not set(point.items).isdisjoint(message.words))
    )


def _reply(point: Point, message: Message) -> bool:
    return isinstance(message, Reply) and any(
        _is_meant(point, command)
        and _brings_value(value) in ((True, False) if point.found is None else (point.found,))
        and (not point.items or _is_about(point, command, value))
        for command, value in _answers(message)
    )


def _delivery(point: Point, message: Message) -> bool:
    return isinstance(message, Delivery) and (not point.items or message.body in point.items)


def _settlement(point: Point, message: Message) -> bool:
    if isinstance(message, Commit):
        return any(_settlement(point, settlement) for settlement in message.settlements)
    return (
        isinstance(message, Settlement)
        and (not point.names or message.how in point.names)
        and (not point.items or not set(point.items).isdisjoint(message.bodies))
    )


def _method(point: Point, message: Message) -> bool:
    return isinstance(message, Method) and (not point.names or message.name in point.names)


_FITS: Mapping[Kind, Callable[[Point, Message], bool]] = {
    "command": _command,
    "reply": _reply,
    "delivery": _delivery,
    "settlement": _settlement,
    "method": _method,
}


def _is_meant(point: Point, asked: Command) -> bool:
    if not point.signatures:
        return not point.names or asked.name in point.names
    return asked.name in point.names or _is_one_of(asked, point.signatures)


def _is_one_of(asked: Command, signatures: tuple[Signature, ...]) -> bool:
    signature = Signature.of(asked)
    return signature in signatures or any(
        _matches_prefix(prefix, signature) for prefix in signatures
    )


def _is_about(point: Point, asked: Command, value: Any) -> bool:
    return (
        _is_one_of(asked, point.unnamed)
        or _contains_item(value, point.items)
        or _contains_item(list(asked.words), point.items)
    )


def _matches_prefix(many: Signature, one: Signature) -> bool:
    return many.key.endswith(b"*") and many.name == one.name and one.key.startswith(many.key[:-1])


def _answers(message: Reply) -> Iterator[tuple[Command, Any]]:
    """Yield each answered command with its value; for EXEC also all queued commands."""
    if message.value == b"QUEUED":
        return
    yield message.command, message.value
    if message.queued and isinstance(message.value, list):
        yield from zip(message.queued, message.value, strict=False)


def _brings_value(value: Any) -> bool | None:
    """Whether a value brings something; None for an error, which is neither."""
    if isinstance(value, ErrorReply):
        return None
    if isinstance(value, list):
        return any(_brings_value(element) for element in value)
    # An empty item is also an item.
    return isinstance(value, bytes) or bool(value)


def _contains_item(value: Any, items: tuple[bytes, ...]) -> bool:
    words = set(_byte_strings(value))
    return not words.isdisjoint(items) or any(found(word, items) for word in words)


def _byte_strings(value: Any) -> Iterator[bytes]:
    """Yield all byte strings in a reply, at any depth."""
    waiting = [value]
    while waiting:
        value_part = waiting.pop()
        if isinstance(value_part, bytes):
            yield value_part
        elif isinstance(value_part, dict):
            waiting += [*value_part, *value_part.values()]
        elif isinstance(value_part, (list, tuple)):
            waiting += value_part
