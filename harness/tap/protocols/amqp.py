"""RabbitMQ's wire, AMQP 0-9-1: methods with their content, deliveries and what becomes of them."""

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
#: Bytes of a frame with nothing in it, and of the shortest content header's.
_EMPTY, _LEAST_HEADER = 8, 22
_HIDDEN = "***"
_CARRIES = frozenset(("Basic.Publish", "Basic.Deliver", "Basic.GetOk", "Basic.Return"))
#: The same as they are on the wire.
_CARRYING = tuple(b"\x00\x3c\x00" + bytes((index,)) for index in (40, 60, 71, 50))


class _Content:
    """A method that content follows, until all of it is there. More than `limit` is not kept."""

    def __init__(self, method: Method, limit: int) -> None:
        self._method, self._limit = method, limit
        self._properties: dict[str, Any] = {}
        self._size, self._come, self._body = -1, 0, bytearray()

    def head(self, size: int, properties: dict[str, Any]) -> None:
        self._size, self._properties = size, properties

    def add(self, part: bytes) -> None:
        self._come += len(part)
        if self._size <= self._limit:
            self._body += part

    @property
    def whole(self) -> bool:
        return self._come == self._size

    def method(self) -> Method:
        """The method with its content, which is whole."""
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
    """One connection to RabbitMQ. A piece is a frame; its message, what is complete with it."""

    def __init__(self, connection: int, limit: int = LIMIT) -> None:
        super().__init__(connection, limit)
        self._channels: defaultdict[int, Channel] = defaultdict(Channel)
        self._contents: dict[tuple[Towards, int], _Content] = {}
        self._started = False

    def _end(self, towards: Towards, kept: bytearray) -> int | None:
        if towards == "broker" and not self._started:
            return self._end_of_start(kept)
        if kept.startswith(b"AMQP"):  # the broker does not speak the version that was asked for
            raise Unreadable("the broker refuses this version of the protocol")
        end = _end_of_frame(kept, 0)
        carries = kept[0] == _METHOD and kept.startswith(_CARRYING, _HEAD.size)
        if end is not None and carries:
            return self._end_of_content(kept, end) or end
        return end

    def _end_of_content(self, kept: bytearray, at: int) -> int | None:
        """Where the content ends that begins at `at`, if all of it is there and nothing between.

        Most messages are so small that this is so, and then they are one piece.
        """
        channel, head = kept[1:3], at
        end = _end_of_frame(kept, at)
        if end is None or kept[at] != _HEADER or kept[at + 1 : at + 3] != channel:
            return None
        if end - at < _LEAST_HEADER:
            return None
        left = amqp_fast.size(kept, head)
        while left > 0:
            at = end
            end = _end_of_frame(kept, at)
            if end is None or kept[at] != _BODY or kept[at + 1 : at + 3] != channel:
                return None
            left -= end - at - _EMPTY
        return end if left == 0 and end <= self._limit else None

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
                return Chunk(raw, self._whole(towards, number, raw, size + _EMPTY))
            if kind == _METHOD:
                return Chunk(raw, self._method(towards, number, raw))
            return Chunk(raw, self._content(towards, number, kind, raw))
        # Whatever a parser makes of bytes that were made to confuse it, they go on.
        except Exception as error:
            return Chunk(raw, self._lost(towards, raw, f"{type(error).__name__}: {error}"))

    def _whole(self, towards: Towards, number: int, raw: bytes, at: int) -> Message | None:
        """A method with all of its content; the frame that is at `at` is its header."""
        name, fields = amqp_fast.method(raw[:at]) or _read(raw[:at])
        end = _after(raw, at)
        _, properties = amqp_fast.content(raw[at:end])
        bodies = []
        while end < len(raw):
            at, end = end, _after(raw, end)
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
            for way in ("broker", "client"):
                self._contents.pop((way, number), None)
        return self._channels[number].said(method)


def _end_of_frame(kept: bytearray, at: int) -> int | None:
    """Where the frame that begins at `at` ends, None while it is not whole."""
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


def _after(raw: bytes, at: int) -> int:
    """Where the whole frame at `at` ends."""
    return at + int(_HEAD.unpack_from(raw, at)[2]) + _EMPTY


def _read(raw: bytes) -> amqp_fast.Read:
    """What a method's frame says, as pamqp reads it."""
    found = frame.unmarshal(raw)[2]
    if not isinstance(found, base.Frame):
        raise TypeError(f"{found.name} at this place")
    return found.name, dict(found)
