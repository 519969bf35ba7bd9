"""The common base of both decoders: bytes in, the same bytes out, split into messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from harness.history import NotUnderstood, Towards, payload
from harness.tap.records import Chunk

#: Most bytes of one message to wait for; a longer message passes undecoded.
LIMIT = 64 * 1024 * 1024
#: Bytes of an unreadable message that go into its record.
_SAMPLE = 256


class Unreadable(Exception):
    """The bytes are not of this protocol, so the start of the next message is unknown."""


class Decoder(ABC):
    """Decodes both directions of one connection.

    Together, the chunks that come out are the bytes that went in, in their order. Once one
    direction is unreadable, both are `opaque`: their bytes pass undecoded.
    """

    def __init__(self, connection: int, limit: int = LIMIT) -> None:
        self.connection = connection
        self.opaque = False
        self._limit = limit
        self._buffers: dict[Towards, bytearray] = {"broker": bytearray(), "client": bytearray()}

    def feed(self, towards: Towards, data: bytes) -> Iterator[Chunk]:
        """Yield the chunks that are complete with `data`."""
        buffer = self._buffers[towards]
        if not buffer and not self.opaque and len(data) <= self._limit:
            chunk = self._decode_single(towards, data)
            if chunk is not None:
                yield chunk
                return
        buffer += data
        while buffer and not self.opaque:
            try:
                end = self._end(towards, buffer)
                if (len(buffer) if end is None else end) > self._limit:
                    raise Unreadable(f"a message of more than {self._limit} bytes")
            except Unreadable as error:
                self.opaque = True
                unreadable = self._not_understood(towards, buffer, str(error))
                yield Chunk(self.rest(towards), unreadable)
                return
            if end is None:
                return
            yield self._decode(towards, self.rest(towards, end))
        if buffer:
            yield Chunk(self.rest(towards))

    def rest(self, towards: Towards, length: int | None = None) -> bytes:
        """Remove and return the buffered bytes (or the first `length` of them), undecoded."""
        buffer = self._buffers[towards]
        taken = bytes(buffer[:length])
        del buffer[:length]
        return taken

    def _decode_single(self, towards: Towards, data: bytes) -> Chunk | None:
        """Decode `data` as one message where that is quick; else return None and change nothing."""
        return None

    @abstractmethod
    def _end(self, towards: Towards, kept: bytearray) -> int | None:
        """Return the end of the first message, None while it is incomplete.

        Raises `Unreadable` for bytes of another protocol.
        """

    @abstractmethod
    def _decode(self, towards: Towards, raw: bytes) -> Chunk:
        """Decode one complete message; never raises.

        An unreadable message becomes `NotUnderstood`, and passes.
        """

    def _not_understood(self, towards: Towards, raw: bytes | bytearray, why: str) -> NotUnderstood:
        sample = payload(bytes(raw[:_SAMPLE]))
        return NotUnderstood(self.connection, towards, why, sample, len(raw))
