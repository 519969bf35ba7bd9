"""The wire protocol of RabbitMQ, AMQP 0-9-1: methods, content, deliveries, settlements."""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import Any

import msgspec
from pamqp import base, frame

from harness.history import Towards
from harness.tap.protocols import amqp_fast
from harness.tap.protocols.amqp_channel import Channel
from harness.tap.protocols.base import LIMIT, Decoder, Unreadable
from harness.tap.records import Chunk, Message, Method

_START = b"AMQP\x00\x00\x09\x01"
_HEAD = struct.Struct(">BHI")
_METHOD, _HEADER, _BODY, _HEARTBEAT = _KINDS = (1, 2, 3, 8)
_FRAME_END = 0xCE
#: Bytes of an empty frame, and of the shortest content header frame.
_EMPTY, _LEAST_HEADER = 8, 22
_HIDDEN = "***"
_CARRIES = frozenset(("Basic.Publish", "Basic.Deliver", "Basic.GetOk", "Basic.Return"))
#: The same methods in their wire format.
_CARRYING = tuple(b"\x00\x3c\x00" + bytes((index,)) for index in (40, 60, 71, 50))


class _Content:
    """A method with content, until all of it has arrived; content above `limit` is not kept."""

    def __init__(self, method: Method, limit: int) -> None:
        self._method, self._limit = method, limit
        self._properties: dict[str, Any] = {}
        self._size, self._received, self._body = -1, 0, bytearray()

    def head(self, size: int, properties: dict[str, Any]) -> None:
        self._size, self._properties = size, properties

    def add(self, part: bytes) -> None:
        self._received += len(part)
        if self._size <= self._limit:
            self._body += part

    @property
    def whole(self) -> bool:
        return self._received == self._size

    def method(self) -> Method:
        """Return the method with its complete content."""
        if self._size > self._limit:
            raise ValueError(f"a message of {self._size} bytes is too long to be kept")
        bare = self._method
        return Method(
            bare.connection,
            bare.towards,
            bare.channel,
            bare.name,
            bare.fields,
            self._properties,
            bytes(self._body),
        )


class Amqp(Decoder):
    """Decoder of one connection to RabbitMQ.

    A chunk is a frame; its message is what the frame completes.
    """

    def __init__(self, connection: int, limit: int = LIMIT) -> None:
        super().__init__(connection, limit)
        self._channels: defaultdict[int, Channel] = defaultdict(Channel)
        self._contents: dict[tuple[Towards, int], _Content] = {}
        self._started = False

    def _end(self, towards: Towards, kept: bytearray) -> int | None:
        if towards == "broker" and not self._started:
            return self._end_of_start(kept)
        if kept.startswith(b"AMQP"):  # the broker does not support the requested version
            raise Unreadable("the broker refuses this version of the protocol")
        end = _end_of_frame(kept, 0)
        carries = kept[0] == _METHOD and kept.startswith(_CARRYING, _HEAD.size)
        if end is not None and carries:
            return self._end_of_content(kept, end) or end
        return end

    def _end_of_content(self, kept: bytearray, at: int) -> int | None:
        """Return the end of the content at `at`, if it is complete and contiguous; else None.

        Most messages are so small that this is the case, and then they are one chunk.
        """
        channel, head = kept[1:3], at
        end = _end_of_frame(kept, at)
        if end is None or kept[at] != _HEADER or kept[at + 1 : at + 3] != channel:
            return None
        if end - at < _LEAST_HEADER:
            return None
        remaining = amqp_fast.size(kept, head)
        while remaining > 0:
            at = end
            end = _end_of_frame(kept, at)
            if end is None or kept[at] != _BODY or kept[at + 1 : at + 3] != channel:
                return None
            remaining -= end - at - _EMPTY
        return end if remaining == 0 and end <= self._limit else None

    def _end_of_start(self, kept: bytearray) -> int | None:
        if kept[: len(_START)] != _START[: len(kept)]:
            raise Unreadable("this is not how AMQP 0-9-1 begins")
        if len(kept) < len(_START):
            return None
        self._started = True
        return len(_START)

    def _decode(self, towards: Towards, raw: bytes) -> Chunk:
        if raw == _START:
            return Chunk(raw)
        kind, number, size = _HEAD.unpack_from(raw)
        if kind == _HEARTBEAT:
            return Chunk(raw, overtakes=True)
        try:
            if size + _EMPTY < len(raw):
                return Chunk(raw, self._complete_method(towards, number, raw, size + _EMPTY))
            if kind == _METHOD:
                return Chunk(raw, self._method(towards, number, raw))
            return Chunk(raw, self._content(towards, number, kind, raw))
        # Crafted bytes may raise any error in a parser; they pass all the same.
        except Exception as error:
            return Chunk(
                raw, self._not_understood(towards, raw, f"{type(error).__name__}: {error}")
            )

    def _complete_method(
        self, towards: Towards, number: int, raw: bytes, at: int
    ) -> Message | None:
        """Decode a method with all of its content; the frame at `at` is its content header."""
        name, fields = amqp_fast.method(raw[:at]) or _read(raw[:at])
        end = _frame_end(raw, at)
        _, properties = amqp_fast.content(raw[at:end])
        bodies = []
        while end < len(raw):
            at, end = end, _frame_end(raw, end)
            bodies.append(raw[at + _HEAD.size : end - 1])
        method = Method(
            self.connection, towards, number, name, fields, properties, b"".join(bodies)
        )
        return self._channels[number].carried(method)

    def _content(self, towards: Towards, number: int, kind: int, raw: bytes) -> Message | None:
        content = self._contents.get((towards, number))
        if content is None:
            raise ValueError("content without a method before it")
        if kind == _HEADER:
            content.head(*amqp_fast.content(raw))
        else:
            content.add(raw[_HEAD.size : -1])
        if not content.whole:
            return None
        del self._contents[towards, number]
        return self._channels[number].carried(content.method())

    def _method(self, towards: Towards, number: int, raw: bytes) -> Message | None:
        name, fields = amqp_fast.method(raw) or _read(raw)
        method = Method(self.connection, towards, number, name, fields)
        if name in _CARRIES:
            self._contents[towards, number] = _Content(method, self._limit)
            return None
        if name in ("Connection.StartOk", "Connection.SecureOk"):
            method = msgspec.structs.replace(method, fields={**fields, "response": _HIDDEN})
        if name in ("Channel.Open", "Channel.CloseOk"):
            self._channels.pop(number, None)
            for direction in ("broker", "client"):
                self._contents.pop((direction, number), None)
        return self._channels[number].said(method)


def _end_of_frame(kept: bytearray, at: int) -> int | None:
    """Return the end of the frame at `at`, None while it is incomplete."""
    if len(kept) - at < _HEAD.size:
        return None
    kind, _, size = _HEAD.unpack_from(kept, at)
    end = at + int(size) + _EMPTY
    if kind not in _KINDS:
        raise Unreadable(f"there is no frame of type {kind}")
    if len(kept) < end:
        return None
    if kept[end - 1] != _FRAME_END:
        raise Unreadable("a frame does not end where it should")
    return end


def _frame_end(raw: bytes, at: int) -> int:
    """Return the end of the complete frame at `at`."""
    return at + int(_HEAD.unpack_from(raw, at)[2]) + _EMPTY


def _read(raw: bytes) -> amqp_fast.Read:
    """Decode a method frame with pamqp."""
    decoded = frame.unmarshal(raw)[2]
    if not isinstance(decoded, base.Frame):
        raise TypeError(f"{decoded.name} at this place")
    return decoded.name, dict(decoded)
