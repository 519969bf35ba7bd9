"""Fast decoders of the most frequent frames, with the same result as pamqp.

They return None for anything unusual; the caller falls back to pamqp.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pamqp import header

#: The name of a method, and its fields.
Read = tuple[str, dict[str, Any]]

#: Offsets of a method's arguments and of a header's properties: after the frame header, and after
#: the method's number, or the class, the weight and the size.
_ARGUMENTS, _PROPERTIES = 11, 19
_TAG_AND_BITS = struct.Struct(">qB")
_TICKET = struct.Struct(">H")
_SIZE = struct.Struct(">Q")
#: Properties up to this many bytes are cached: most messages have the same ones.
_MAX_CACHED = 512


def method(raw: bytes) -> Read | None:
    """Decode a method frame; None for an unusual one."""
    reader = _READERS.get(raw[7:_ARGUMENTS])
    if reader is None:
        return None
    try:
        return reader(raw)
    except (IndexError, struct.error, UnicodeDecodeError):
        return None


def content(raw: bytes) -> tuple[int, dict[str, Any]]:
    """Decode a content header frame: the size of the body, and the existing properties.

    The properties may be shared with another message; callers must not change them. Raises the
    errors of pamqp.
    """
    tail = raw[_PROPERTIES:-1]
    return size(raw), _cached_properties(tail) if len(tail) <= _MAX_CACHED else _properties(tail)


def size(raw: bytes | bytearray, at: int = 0) -> int:
    """Return the size of the body that follows the content header frame at `at`."""
    return int(_SIZE.unpack_from(raw, at + 11)[0])


def _properties(tail: bytes) -> dict[str, Any]:
    content_header = header.ContentHeader()
    content_header.unmarshal(bytes(12) + tail)
    return {name: value for name, value in content_header.properties if value not in (None, "")}


_cached_properties = lru_cache(maxsize=1024)(_properties)


def _deliver(raw: bytes) -> Read | None:
    consumer, at = _short(raw, _ARGUMENTS)
    tag, bits = _TAG_AND_BITS.unpack_from(raw, at)
    exchange, at = _short(raw, at + _TAG_AND_BITS.size)
    routing_key, at = _short(raw, at)
    if at != len(raw) - 1:
        return None
    return "Basic.Deliver", {
        "consumer_tag": consumer,
        "delivery_tag": tag,
        "redelivered": bits & 1 == 1,
        "exchange": exchange,
        "routing_key": routing_key,
    }


def _publish(raw: bytes) -> Read | None:
    (ticket,) = _TICKET.unpack_from(raw, _ARGUMENTS)
    exchange, at = _short(raw, _ARGUMENTS + _TICKET.size)
    routing_key, at = _short(raw, at)
    if at != len(raw) - 2:
        return None
    return "Basic.Publish", {
        "ticket": ticket,
        "exchange": exchange,
        "routing_key": routing_key,
        "mandatory": raw[at] & 1 == 1,
        "immediate": raw[at] & 2 == 2,
    }


def _ack(raw: bytes) -> Read | None:
    if len(raw) != _ARGUMENTS + _TAG_AND_BITS.size + 1:
        return None
    tag, bits = _TAG_AND_BITS.unpack_from(raw, _ARGUMENTS)
    return "Basic.Ack", {"delivery_tag": tag, "multiple": bits & 1 == 1}


_READERS: dict[bytes, Callable[[bytes], Read | None]] = {
    b"\x00\x3c\x00\x3c": _deliver,
    b"\x00\x3c\x00\x28": _publish,
    b"\x00\x3c\x00\x50": _ack,
}


def _short(raw: bytes, at: int) -> tuple[str, int]:
    """Decode a short string (up to 255 bytes); return it and its end."""
    end = at + 1 + raw[at]
    return raw[at + 1 : end].decode(), end
