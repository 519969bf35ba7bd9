"""Protocol points: moments in the talk with a broker, told by one message.

A point towards the broker is before the command reaches it; one towards the client is before
the worker gets the reply. With `after`, the message goes on and what follows it does not.
A point is data, so that it can be sent to a tap and be written down.
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
    """A Redis command's first two words, the name in capitals: `LREM job2:processing`.

    A key that ends with `*` stands for all that begin so, as of a list for each worker.
    """

    name: str
    key: bytes

    @classmethod
    def of(cls, command: Command) -> Signature:
        """The signature of a command; its key is empty when it is one word only."""
        return cls(command.name, command.words[1] if len(command.words) > 1 else b"")


class Point(msgspec.Struct, frozen=True):
    """A moment: a message of this kind in this direction, of which all that is said here holds."""

    name: str
    towards: Towards
    kind: Kind
    #: Names of commands (in capitals; of a reply, the command's) or methods, or how it settles.
    names: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()
    #: One of these is in it: a command's word, anywhere in a reply or in what it answers (there in
    #: any form that can be read: in JSON, in hexadecimal digits), the body that is delivered or
    #: settled.
    items: tuple[bytes, ...] = ()
    #: Of replies: whether they bring something. None, 0 and a list of nothing else do not; an
    #: error never fits.
    found: bool | None = None
    #: Hold what comes after the message, in both directions.
    after: bool = False
    #: Of replies: those of these need not have an item, for neither they nor their commands do.
    unnamed: tuple[Signature, ...] = ()

    def fits(self, message: Message) -> bool:
        """Whether this message makes the moment; who asks knows its direction."""
        return _FITS[self.kind](self, message)


def command(
    *names: str,
    having: bytes | None = None,
    signatures: tuple[Signature, ...] = (),
    after: bool = False,
) -> Point:
    """A Redis command of one of these names (in capitals); `having`: it is one of its words."""
    name = f"{_when(after)} command {_listed(names, signatures)}"
    return Point(name, "broker", "command", names, signatures, _one(having), after=after)


def reply(
    *names: str,
    having: bytes | None = None,
    signatures: tuple[Signature, ...] = (),
    found: bool | None = None,
    after: bool = False,
) -> Point:
    """Redis' answer to such a command, also to one in a transaction that this is the answer to."""
    name = f"{_when(after)} reply to {_listed(names, signatures)}"
    return Point(name, "client", "reply", names, signatures, _one(having), found, after)


def delivery(*, body: bytes | None = None, after: bool = False) -> Point:
    """A message for a worker: by its content, or the next one."""
    return Point(f"{_when(after)} delivery", "client", "delivery", items=_one(body), after=after)


def settlement(*hows: str, body: bytes | None = None, after: bool = False) -> Point:
    """A worker's ack, nack or reject (one of `hows`, or any) of a message, or of any.

    In a transaction that is the commit, with which it counts.
    """
    name = f"{_when(after)} {'/'.join(hows) or 'settlement'}"
    return Point(name, "broker", "settlement", hows, items=_one(body), after=after)


def method(towards: Towards, *names: str, after: bool = False) -> Point:
    """Any other AMQP method, as "Connection.CloseOk"."""
    return Point(f"{_when(after)} {'/'.join(names)}", towards, "method", names, after=after)


def _when(after: bool) -> str:
    return "after" if after else "before"


def _one(item: bytes | None) -> tuple[bytes, ...]:
    return () if item is None else (item,)


def _listed(names: tuple[str, ...], signatures: tuple[Signature, ...]) -> str:
    keyed = (f"{one.name} {one.key.decode(errors='backslashreplace')}" for one in signatures)
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
        _is_meant(point, asked)
        and _brings(value) in ((True, False) if point.found is None else (point.found,))
        and (not point.items or _is_about(point, asked, value))
        for asked, value in _answers(message)
    )


def _delivery(point: Point, message: Message) -> bool:
    return isinstance(message, Delivery) and (not point.items or message.body in point.items)


def _settlement(point: Point, message: Message) -> bool:
    if isinstance(message, Commit):
        return any(_settlement(point, one) for one in message.settlements)
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
    own = Signature.of(asked)
    return own in signatures or any(_begins(one, own) for one in signatures)


def _is_about(point: Point, asked: Command, value: Any) -> bool:
    return (
        _is_one_of(asked, point.unnamed)
        or _has(value, point.items)
        or _has(list(asked.words), point.items)
    )


def _begins(many: Signature, one: Signature) -> bool:
    return many.key.endswith(b"*") and many.name == one.name and one.key.startswith(many.key[:-1])


def _answers(message: Reply) -> Iterator[tuple[Command, Any]]:
    """What is answered: a command, or with EXEC all that were queued for it."""
    if message.value == b"QUEUED":
        return
    yield message.command, message.value
    if message.queued and isinstance(message.value, list):
        yield from zip(message.queued, message.value, strict=False)


def _brings(value: Any) -> bool | None:
    """An error is neither something nor nothing."""
    if isinstance(value, ErrorReply):
        return None
    if isinstance(value, list):
        return any(_brings(one) for one in value)
    # An empty item is an item.
    return isinstance(value, bytes) or bool(value)


def _has(value: Any, items: tuple[bytes, ...]) -> bool:
    words = set(_words(value))
    return not words.isdisjoint(items) or any(found(word, items) for word in words)


def _words(value: Any) -> Iterator[bytes]:
    """All byte strings in a reply, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, bytes):
            yield one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, (list, tuple)):
            waiting += one
