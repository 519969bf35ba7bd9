"""What the tap and the one who controls it say to each other, and how it goes over a wire.

A frame is its length (4 bytes, big-endian) and one message in msgpack.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from harness.tap.points import Point
from harness.tap.records import ErrorReply, Message, RawFeedData, Record

#: Bytes of one frame: more than any record that a tap makes.
MAX_FRAME = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_ERROR_REPLY = 1


class _Request(msgspec.Struct, frozen=True, tag_field="do"):
    """Answered once, by a `Done` or a `Refused` of this number."""

    request: int


class Attach(_Request, frozen=True, tag="attach"):
    """Comes first: from now on this connection gets all records. Only one has them at a time."""


class SetBreakpoint(_Request, frozen=True, tag="arm"):
    """Wait, under the number `trap`, for the next message at a point (from one client, or any)."""

    trap: int
    point: Point
    address: str | None = None


class ClearBreakpoint(_Request, frozen=True, tag="disarm"):
    """Catch nobody any more; who was caught already stays held."""

    trap: int


class Release(_Request, frozen=True, tag="release"):
    """Let go on who was caught in a trap."""

    trap: int


class CutHit(_Request, frozen=True, tag="cut_caught"):
    """Break the connection that was caught in a trap."""

    trap: int


class Hold(_Request, frozen=True, tag="hold"):
    """Let nothing pass from or to a client, on connections that are there or come."""

    address: str


class Slow(_Request, frozen=True, tag="slow"):
    """Let what a client says and hears arrive so many seconds later, until told 0."""

    address: str
    seconds: float


class HoldAll(_Request, frozen=True, tag="hold_everybody"):
    """Let nothing pass any more, from whomever it comes; ended by `Reset`."""


class ReleaseAll(_Request, frozen=True, tag="release_all"):
    """Let all go on that is held of a client, wherever it was caught."""

    address: str


class Cut(_Request, frozen=True, tag="cut"):
    """Break all connections of a client; it may come again."""

    address: str


class Sever(_Request, frozen=True, tag="sever"):
    """End a client's connections at the broker's side, and let it hear nothing more of them.

    All that it says from now on is held, as with `Hold`.
    """

    address: str


class LetBack(_Request, frozen=True, tag="let_back"):
    """Break what a client has left behind that is no more, and hold its successor no longer."""

    address: str


class Reset(_Request, frozen=True, tag="reset"):
    """Disarm all traps, hold nobody, and break all connections; answered when they have ended."""


class Sync(_Request, frozen=True, tag="sync"):
    """Answered after all records of what the broker did before this."""


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
    """What the tap says."""


class RecordMessage(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record, made at `at` (seconds since 1970, by the tap's clock)."""

    at: float
    record: Record | RawFeedData


class RecordBatch(_Answer, frozen=True, tag="told"):
    """Records, in order."""

    told: tuple[RecordMessage, ...]


class Hit(_Answer, frozen=True, tag="caught"):
    """A trap has caught a connection, with this message; what was recorded before was told."""

    trap: int
    connection: int
    address: str
    message: Message
    at: float


class Done(_Answer, frozen=True, tag="done"):
    request: int


class Refused(_Answer, frozen=True, tag="refused"):
    request: int
    why: str


Answer = RecordBatch | Hit | Done | Refused


def _to_ext(value: Any) -> Any:
    if isinstance(value, ErrorReply):
        return msgspec.msgpack.Ext(_ERROR_REPLY, str(value).encode())
    # Whatever else a library may make of a field: it is told, if not as what it was.
    return repr(value)


def _of_ext(code: int, data: memoryview) -> Any:
    if code != _ERROR_REPLY:
        raise msgspec.DecodeError(f"there is no extension {code}")
    return ErrorReply(bytes(data).decode())


_encoder = msgspec.msgpack.Encoder(enc_hook=_to_ext)
_requests = msgspec.msgpack.Decoder(Request)
_answers = msgspec.msgpack.Decoder(Answer, ext_hook=_of_ext)


def frame(message: Request | Answer) -> bytes:
    """A message as it goes over the wire."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Takes bytes in any chunks, and gives the messages that are whole with them.

    All raise `msgspec.DecodeError` for what is no such message.
    """

    def __init__(self) -> None:
        self._kept = bytearray()

    def requests(self, data: bytes) -> Iterator[Request]:
        return map(_requests.decode, self._bodies(data))

    def answers(self, data: bytes) -> Iterator[Answer]:
        return map(_answers.decode, self._bodies(data))

    def _bodies(self, data: bytes) -> Iterator[bytes]:
        self._kept += data
        at = 0
        try:
            while len(self._kept) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._kept, at)
                if length > MAX_FRAME:
                    raise msgspec.DecodeError(f"a frame of {length} bytes")
                end = at + _LENGTH.size + length
                if end > len(self._kept):
                    return
                body = bytes(self._kept[at + _LENGTH.size : end])
                at = end
                yield body
        finally:
            del self._kept[:at]
