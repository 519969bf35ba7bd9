"""The wire protocol of Redis, RESP2 and RESP3: commands, and the replies to them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import hiredis

from harness.history import Towards
from harness.tap.protocols.base import LIMIT, Decoder, Unreadable
from harness.tap.protocols.resp_scanner import Scanner
from harness.tap.records import Chunk, Command, ErrorReply, Push, Reply

#: Most bytes of an inline command (a line, not a list); the limit of Redis.
_INLINE = 64 * 1024
_HIDDEN = b"***"
_NOTHING = object()

_SUBSCRIBE = {f"{kind}{verb}" for kind in ("", "P", "S") for verb in ("SUBSCRIBE", "UNSUBSCRIBE")}
#: First element of an array that RESP2 sends to subscribers unrequested.
_PUSH_KINDS = {name.lower().encode() for name in _SUBSCRIBE} | {
    b"message",
    b"pmessage",
    b"smessage",
}


class Resp(Decoder):
    """Decoder of one connection to Redis."""

    def __init__(self, connection: int, limit: int = LIMIT) -> None:
        super().__init__(connection, limit)
        self._scanners: dict[Towards, Scanner] = {"broker": Scanner(), "client": Scanner()}
        self._readers: dict[Towards, hiredis.Reader] = {}
        self._pairing = _ReplyPairing(connection)
        self._number = 0

    def _decode_single(self, towards: Towards, data: bytes) -> Chunk | None:
        """Decode a single message: a client that waits for each reply sends one message at a time.

        hiredis reports whether the data is exactly one message.
        """
        if towards == "broker" and not data.startswith(b"*"):
            return None
        reader = self._reader(towards)
        try:
            reader.feed(data)
            value = reader.gets()
        except (hiredis.HiredisError, TypeError, ValueError):
            return None
        if value is _NOTHING or reader.has_data():
            return None
        self._readers[towards] = reader
        return self._chunk(towards, data, value)

    def _end(self, towards: Towards, kept: bytearray) -> int | None:
        if towards == "broker" and not kept.startswith(b"*"):
            end = kept.find(b"\n") + 1
            if not end and len(kept) > _INLINE:
                raise Unreadable(f"an inline command of more than {_INLINE} bytes")
            return end or None
        return self._scanners[towards].end(kept)

    def _decode(self, towards: Towards, raw: bytes) -> Chunk:
        try:
            if towards == "broker" and not raw.startswith(b"*"):
                value: Any = raw.split()
            else:
                value = self._read(towards, raw)
        except (hiredis.HiredisError, TypeError, ValueError) as error:
            # TypeError: a map key that is not hashable in Python. The message is complete, so it
            # still takes its position in the order of commands and replies.
            if towards == "broker":
                self._command(())
            else:
                self._pairing.answered(None)
            return Chunk(raw, self._not_understood(towards, raw, f"{error}"))
        return self._chunk(towards, raw, value)

    def _chunk(self, towards: Towards, raw: bytes, value: Any) -> Chunk:
        if towards == "client":
            message = self._pairing.answered(value)
            return Chunk(
                raw, message or self._not_understood(towards, raw, "a reply without a command")
            )
        if not value:  # Redis ignores an empty command, and does not answer
            return Chunk(raw)
        return self._command_chunk(raw, value)

    def _command_chunk(self, raw: bytes, value: Any) -> Chunk:
        if not isinstance(value, list) or not all(isinstance(word, bytes) for word in value):
            self._command(())
            return Chunk(
                raw, self._not_understood("broker", raw, "a command that is no list of words")
            )
        command = self._command(tuple(value))
        if command.name in ("SYNC", "PSYNC"):
            self.opaque = True
            return Chunk(
                raw, self._not_understood("broker", raw, "this is a replica's link from here on")
            )
        return Chunk(raw, command)

    def _command(self, words: tuple[bytes, ...]) -> Command:
        self._number += 1
        command = Command(self.connection, self._number, _mask_passwords(words))
        self._pairing.asked(command)
        return command

    def _read(self, towards: Towards, raw: bytes) -> Any:
        reader = self._reader(towards)
        reader.feed(raw)
        value, more = reader.gets(), reader.has_data()
        while more:  # the first value was an attribute
            value, more = reader.gets(), reader.has_data()
        if value is _NOTHING:
            raise ValueError("hiredis takes this message for unfinished")
        self._readers[towards] = reader
        return value

    def _reader(self, towards: Towards) -> hiredis.Reader:
        """Return an empty reader; readers that raised an error or hold data are not reused."""
        return self._readers.pop(towards, None) or hiredis.Reader(
            replyError=ErrorReply, notEnoughData=_NOTHING
        )


@dataclass
class _Mode:
    """State of a connection that earlier commands have set."""

    #: CLIENT REPLY OFF: no replies at all. SKIP: no reply to the next command.
    silent: bool = False
    skip: bool = False
    #: MULTI: the client's view of the transaction, and the commands that Redis has queued.
    multi: bool = False
    queued: list[Command] = field(default_factory=list)
    subscribed: bool = False
    monitors: bool = False
    resp3: bool = False


class _ReplyPairing:
    """Assigns replies to commands."""

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._unanswered: deque[Command] = deque()
        self._mode = _Mode()

    def asked(self, command: Command) -> None:
        name = command.name
        if name == "CLIENT" and len(command.words) > 2 and command.words[1].upper() == b"REPLY":
            how = command.words[2].upper()
            self._mode.silent, self._mode.skip = how == b"OFF", how == b"SKIP"
            if how != b"ON":
                return
        elif self._mode.silent:
            return
        elif self._mode.skip:
            self._mode.skip = False
            return
        elif name in _SUBSCRIBE and not self._mode.multi:
            # Redis confirms it for each channel with a push, not with a reply.
            self._mode.subscribed = True
            return
        if name in ("MULTI", "EXEC", "DISCARD", "RESET"):
            self._mode.multi = name == "MULTI"
        self._unanswered.append(command)

    def answered(self, value: Any) -> Reply | Push | None:
        """Assign a value to its command; None when there was no command."""
        if self._is_push(value):
            return Push(self._connection, value)
        if not self._unanswered:
            return None
        command = self._unanswered.popleft()
        return Reply(self._connection, command, value, self._apply_reply(command, value))

    def _is_push(self, value: Any) -> bool:
        if isinstance(value, hiredis.PushNotification):
            return True
        if self._mode.monitors and not self._unanswered:
            return True
        may_be_push = self._mode.subscribed and not self._mode.resp3 and isinstance(value, list)
        if (
            not may_be_push
            or not value
            or not isinstance(value[0], bytes)
            or value[0] not in _PUSH_KINDS
        ):
            return False
        if value[0].endswith(b"unsubscribe") and value[-1] == 0:
            self._mode.subscribed = False
        return True

    def _apply_reply(self, command: Command, value: Any) -> tuple[Command, ...]:
        """Apply the effect of a reply on later ones; return the commands that EXEC answers."""
        queued: tuple[Command, ...] = ()
        if command.name == "EXEC":
            queued, self._mode.queued = tuple(self._mode.queued), []
        elif command.name in ("MULTI", "DISCARD"):
            self._mode.queued = []
        elif value == b"QUEUED":
            self._mode.queued.append(command)
        elif command.name == "HELLO" and not isinstance(value, ErrorReply):
            self._mode.resp3 = isinstance(value, dict)
        elif command.name == "MONITOR" and value == b"OK":
            self._mode.monitors = True
        elif command.name == "RESET":
            self._mode = _Mode()
        return queued


def _mask_passwords(words: tuple[bytes, ...]) -> tuple[bytes, ...]:
    name = words[0].upper() if words else b""
    if name == b"AUTH":
        return words[:1] + (_HIDDEN,) * (len(words) - 1)
    if name == b"HELLO":
        upper = [word.upper() for word in words]
        if b"AUTH" in upper:
            at = upper.index(b"AUTH") + 1
            return words[:at] + (_HIDDEN,) * len(words[at : at + 2]) + words[at + 2 :]
    return words
