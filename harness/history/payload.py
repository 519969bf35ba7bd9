"""Arbitrary bytes in a text file: items, log lines, samples of the wire."""

from __future__ import annotations

from hashlib import sha256

import msgspec

#: Bytes that are stored unchanged; of longer payloads only length and digest.
MAX_KEPT = 64 * 1024


class Raw(msgspec.Struct, frozen=True, tag="base64", forbid_unknown_fields=True):
    """Bytes that are not UTF-8; base64 in the file."""

    data: bytes


class Digest(msgspec.Struct, frozen=True, tag="sha256", forbid_unknown_fields=True):
    """More than `MAX_KEPT` bytes: enough to distinguish them, not enough to restore them."""

    #: SHA-256 in hexadecimal digits.
    hex: str
    #: Number of bytes.
    length: int


#: Equal bytes make equal payloads, so that a payload can replace its bytes as a key.
Payload = str | Raw | Digest


def payload(data: bytes) -> Payload:
    """Return text where the bytes are text, else base64; the digest of bytes too long to keep."""
    if len(data) > MAX_KEPT:
        return Digest(sha256(data).hexdigest(), len(data))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return Raw(data)


def sha256_of(kept: Payload) -> str:
    """Return the SHA-256 of the payload's bytes, in hexadecimal digits."""
    return kept.hex if isinstance(kept, Digest) else sha256(to_bytes(kept)).hexdigest()


def to_bytes(kept: str | Raw) -> bytes:
    """Return the bytes from which `payload` made this value."""
    return kept.encode("utf-8") if isinstance(kept, str) else kept.data
