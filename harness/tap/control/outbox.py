"""Records and answers of the tap, buffered until the controlling client receives them."""

from __future__ import annotations

import asyncio
import time

from harness.history import Gap
from harness.tap.control.messages import Answer, RecordBatch, RecordMessage, frame
from harness.tap.records import RawFeedData, Record

#: Most bytes that wait for the controlling client; a record reports how many records were dropped.
LIMIT = 64 * 1024 * 1024
#: Seconds for which records are collected before they are packed and sent together.
_COLLECT_SECONDS = 0.03


class RecordOutbox:
    """Sends records and answers in order to the attached client; bounded while there is none."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._records: list[RecordMessage] = []
        self._buffer = bytearray()
        self._dropped = 0
        self._transport: asyncio.WriteTransport | None = None
        self._flush_timer: asyncio.TimerHandle | None = None

    def attach(self, transport: asyncio.WriteTransport | None) -> None:
        """Send everything to this transport from now on; None: buffer it."""
        self._pack()
        self._transport = transport
        self._report_dropped()
        self._flush()

    def record(self, record: Record | RawFeedData) -> None:
        """Send a record soon, together with the next ones; a `Sink`."""
        self._records.append(RecordMessage(time.time(), record))
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(_COLLECT_SECONDS, self._flush)

    def say(self, answer: Answer) -> None:
        """Send an answer now, after all records so far."""
        self._pack()
        self._report_dropped()
        self._buffer += frame(answer)
        self._flush()

    def _pack(self) -> None:
        """Make one message of the records so far, or drop them where there is no room."""
        if not self._records:
            return
        message = frame(RecordBatch(tuple(self._records)))
        if self._pending_bytes + len(message) > self._limit:
            self._dropped += len(self._records)
        else:
            self._report_dropped()
            self._buffer += message
        self._records.clear()

    def _report_dropped(self) -> None:
        """Report at this position of the stream how many records were dropped here."""
        if self._dropped:
            why = f"{self._dropped} records did not fit into {self._limit} bytes, and are lost"
            self._buffer += frame(RecordBatch((RecordMessage(time.time(), Gap("tap", why)),)))
            self._dropped = 0

    @property
    def _pending_bytes(self) -> int:
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return len(self._buffer) + unsent

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        self._pack()
        if self._transport is not None and self._buffer:
            self._transport.write(bytes(self._buffer))
            self._buffer.clear()
