"""The messages between the tap and its controlling client, and their wire format.

A frame is its length (4 bytes, big-endian) and one message in msgpack.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from harness.tap.points import Point
from harness.tap.records import ErrorReply, Message, RawFeedData, Record

#: Most bytes of one frame: more than any record that a tap makes.
MAX_FRAME = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_ERROR_REPLY = 1


class _Request(msgspec.Struct, frozen=True, tag_field="do"):
    """The tap answers it once, with a `Done` or a `Refused` of this number."""

    request: int


class Attach(_Request, frozen=True, tag="attach"):
    """The first request: from now on this connection receives all records.

    Only one connection at a time receives them.
    """


class SetBreakpoint(_Request, frozen=True, tag="arm"):
    """Set a breakpoint with the number `trap` for the next message at a point."""

    trap: int
    point: Point
    #: Match only messages of this client; None: of any client.
    address: str | None = None


class ClearBreakpoint(_Request, frozen=True, tag="disarm"):
    """Clear a breakpoint; a connection that hit it stays held."""

    trap: int


class Release(_Request, frozen=True, tag="release"):
    """Resume the connection that hit a breakpoint."""

    trap: int


class CutHit(_Request, frozen=True, tag="cut_caught"):
    """Break the connection that hit a breakpoint."""

    trap: int


class Hold(_Request, frozen=True, tag="hold"):
    """Hold all messages from and to a client, on existing and new connections."""

    address: str


class Slow(_Request, frozen=True, tag="slow"):
    """Delay the messages from and to a client by so many seconds, until a request with 0."""

    address: str
    seconds: float


class HoldAll(_Request, frozen=True, tag="hold_everybody"):
    """Hold all messages of all clients, until `Reset`."""


class ReleaseAll(_Request, frozen=True, tag="release_all"):
    """Forward everything that is held for a client, including breakpoint hits."""

    address: str


class Cut(_Request, frozen=True, tag="cut"):
    """Break all connections of a client; it may connect again."""

    address: str


class Sever(_Request, frozen=True, tag="sever"):
    """End a client's connections at the broker's side; the client receives nothing more.

    Everything that the client sends from now on is held, as with `Hold`.
    """

    address: str


class LetBack(_Request, frozen=True, tag="let_back"):
    """Break what a dead client left behind, and stop holding its successor."""

    address: str


class Reset(_Request, frozen=True, tag="reset"):
    """Clear all breakpoints and holds, and break all connections.

    The tap answers when they have ended.
    """


class Sync(_Request, frozen=True, tag="sync"):
    """Answered after the records of all earlier actions of the broker."""


Request = (
    Attach
    | SetBreakpoint
    | ClearBreakpoint
    | Release
    | CutHit
    | Hold
    | Slow
    | HoldAll
    | ReleaseAll
    | Cut
    | Sever
    | LetBack
    | Reset
    | Sync
)


class _Answer(msgspec.Struct, frozen=True, tag_field="is"):
    """A message from the tap."""


class RecordMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record."""

    #: Seconds since 1970, by the tap's clock.
    at: float
    record: Record | RawFeedData


class RecordBatch(_Answer, frozen=True, tag="told"):
    """Records, in order."""

    told: tuple[RecordMessage, ...]


class Hit(_Answer, frozen=True, tag="caught"):
    """A connection hit a breakpoint with this message; all earlier records precede it."""

    trap: int
    connection: int
    address: str
    message: Message
    #: Seconds since 1970, by the tap's clock.
    at: float


class Done(_Answer, frozen=True, tag="done"):
    """The request with this number was carried out."""

    request: int


class Refused(_Answer, frozen=True, tag="refused"):
    """The request with this number was not carried out; `why` says the reason, for a reader."""

    request: int
    why: str


Answer = RecordBatch | Hit | Done | Refused


def _to_ext(value: Any) -> Any:
    if isinstance(value, ErrorReply):
        return msgspec.msgpack.Ext(_ERROR_REPLY, str(value).encode())
    # Any other value that a library makes of a field: its repr is recorded instead.
    return repr(value)


def _from_ext(code: int, data: memoryview) -> Any:
    if code != _ERROR_REPLY:
        raise msgspec.DecodeError(f"there is no extension {code}")
    return ErrorReply(bytes(data).decode())


_encoder = msgspec.msgpack.Encoder(enc_hook=_to_ext)
_requests = msgspec.msgpack.Decoder(Request)
_answers = msgspec.msgpack.Decoder(Answer, ext_hook=_from_ext)


def frame(message: Request | Answer) -> bytes:
    """Return a message in its wire format."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Takes bytes in any chunks, and yields the messages that they complete.

    Both methods raise `msgspec.DecodeError` for an invalid message.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def requests(self, data: bytes) -> Iterator[Request]:
        return map(_requests.decode, self._bodies(data))

    def answers(self, data: bytes) -> Iterator[Answer]:
        return map(_answers.decode, self._bodies(data))

    def _bodies(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._buffer, start)
                if length > MAX_FRAME:
                    raise msgspec.DecodeError(f"a frame of {length} bytes")
                end = start + _LENGTH.size + length
                if end > len(self._buffer):
                    return
                body = bytes(self._buffer[start + _LENGTH.size : end])
                start = end
                yield body
        finally:
            del self._buffer[:start]
