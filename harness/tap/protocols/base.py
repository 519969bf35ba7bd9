"""What the decoders of both protocols share: bytes in, the same bytes out, cut into messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from harness.history import NotUnderstood, Towards, payload
from harness.tap.records import Chunk

#: Bytes of one message that are waited for; what is longer goes on unread.
LIMIT = 64 * 1024 * 1024
#: Bytes of what is not understood that go into its record.
_SAMPLE = 256


class Unreadable(Exception):
    """The bytes are not of this protocol, so where the next message begins is not known."""


class Decoder(ABC):
    """Reads both directions of one connection.

    Together, the pieces that come out are the bytes that went in, in their order. From where
    one direction is unreadable, both are `opaque`: they go on, and nobody knows what they say.
    """

    def __init__(self, connection: int, limit: int = LIMIT) -> None:
        self.connection = connection
        self.opaque = False
        self._limit = limit
        self._kept: dict[Towards, bytearray] = {"broker": bytearray(), "client": bytearray()}

    def feed(self, towards: Towards, data: bytes) -> Iterator[Chunk]:
        """The pieces that are complete with `data`."""
        kept = self._kept[towards]
        if not kept and not self.opaque and len(data) <= self._limit:
            piece = self._at_once(towards, data)
            if piece is not None:
                yield piece
                return
        kept += data
        while kept and not self.opaque:
            try:
                end = self._end(towards, kept)
                if (len(kept) if end is None else end) > self._limit:
                    raise Unreadable(f"a message of more than {self._limit} bytes")
            except Unreadable as error:
                self.opaque = True
                lost = self._lost(towards, kept, str(error))
                yield Chunk(self.rest(towards), lost)
                return
            if end is None:
                return
            yield self._decode(towards, self.rest(towards, end))
        if kept:
            yield Chunk(self.rest(towards))

    def rest(self, towards: Towards, length: int | None = None) -> bytes:
        """Take out what is still kept (or its first `length` bytes), undecoded."""
        kept = self._kept[towards]
        taken = bytes(kept[:length])
        del kept[:length]
        return taken

    def _at_once(self, towards: Towards, data: bytes) -> Chunk | None:
        """`data` as one message, where that is quickly seen; else None, and nothing has changed."""
        return None

    @abstractmethod
    def _end(self, towards: Towards, kept: bytearray) -> int | None:
        """Where the first message ends, None while it is not whole; or raises `Unreadable`."""

    @abstractmethod
    def _decode(self, towards: Towards, raw: bytes) -> Chunk:
        """One whole message. Never raises: what cannot be read is `_lost`, and goes on."""

    def _lost(self, towards: Towards, raw: bytes | bytearray, why: str) -> NotUnderstood:
        sample = payload(bytes(raw[:_SAMPLE]))
        return NotUnderstood(self.connection, towards, why, sample, len(raw))
