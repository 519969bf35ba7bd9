"""Bytes that may be anything, in a file that is text: items, log lines, samples of the wire."""

from __future__ import annotations

from hashlib import sha256

import msgspec

#: Bytes that are kept as they are; of more, only length and digest.
MAX_KEPT = 64 * 1024


class Raw(msgspec.Struct, frozen=True, tag="base64", forbid_unknown_fields=True):
    """Bytes that are not UTF-8; in the file they are base64."""

    data: bytes


class Digest(msgspec.Struct, frozen=True, tag="sha256", forbid_unknown_fields=True):
    """More than `MAX_KEPT` bytes: enough to tell them from others, not to have them back."""

    hex: str
    length: int


#: Equal bytes are equal payloads, so a payload can stand for its bytes as a key.
Payload = str | Raw | Digest


def payload(data: bytes) -> Payload:
    """Text where it is text, else base64; the digest of what is too long to keep."""
    if len(data) > MAX_KEPT:
        return Digest(sha256(data).hexdigest(), len(data))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return Raw(data)


def sha256_of(kept: Payload) -> str:
    """The SHA-256 of its bytes, in hexadecimal digits."""
    return kept.hex if isinstance(kept, Digest) else sha256(to_bytes(kept)).hexdigest()


def to_bytes(kept: str | Raw) -> bytes:
    """The bytes that `payload` was given."""
    return kept.encode("utf-8") if isinstance(kept, str) else kept.data
