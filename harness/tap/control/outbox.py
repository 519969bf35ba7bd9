"""What the tap has to say, kept until somebody takes it."""

from __future__ import annotations

import asyncio
import time

from harness.history import Gap
from harness.tap.control.messages import Answer, RecordBatch, RecordMessage, frame
from harness.tap.records import RawFeedData, Record

#: Bytes that wait for the controlling client. More is not kept, and that is told.
LIMIT = 64 * 1024 * 1024
#: Seconds for which records are collected before they are packed and sent, together.
_PAUSE = 0.03


class RecordOutbox:
    """Records and answers, in order, to whoever is attached; bounded while nobody takes them."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._told: list[RecordMessage] = []
        self._kept = bytearray()
        self._dropped = 0
        self._transport: asyncio.WriteTransport | None = None
        self._later: asyncio.TimerHandle | None = None

    def attach(self, transport: asyncio.WriteTransport | None) -> None:
        """From now on all goes there; None: it waits."""
        self._pack()
        self._transport = transport
        self._own_up()
        self._flush()

    def record(self, record: Record | RawFeedData) -> None:
        """A `Sink`: told soon, together with what follows at once."""
        self._told.append(RecordMessage(time.time(), record))
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(_PAUSE, self._flush)

    def say(self, answer: Answer) -> None:
        """An answer, now, after all records so far."""
        self._pack()
        self._own_up()
        self._kept += frame(answer)
        self._flush()

    def _pack(self) -> None:
        """Make one message of the records so far, or drop them where there is no room."""
        if not self._told:
            return
        message = frame(RecordBatch(tuple(self._told)))
        if self._waiting + len(message) > self._limit:
            self._dropped += len(self._told)
        else:
            self._own_up()
            self._kept += message
        self._told.clear()

    def _own_up(self) -> None:
        """Say at this place what was lost here."""
        if self._dropped:
            why = f"{self._dropped} records did not fit into {self._limit} bytes, and are lost"
            self._kept += frame(RecordBatch((RecordMessage(time.time(), Gap("tap", why)),)))
            self._dropped = 0

    @property
    def _waiting(self) -> int:
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return len(self._kept) + unsent

    def _flush(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._pack()
        if self._transport is not None and self._kept:
            self._transport.write(bytes(self._kept))
            self._kept.clear()
