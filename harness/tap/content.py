"""Whether bytes contain an item: unchanged, or in an encoded or compressed form.

The readable forms are JSON, base64, hexadecimal and compressed data. Workers seldom keep an item
unchanged: they put it into an envelope, with a token in front, or encode it. A readable occurrence
is proof; the harness cannot read any other form.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

#: Most nested encodings to follow: JSON in base64 of a compressed envelope has three.
_DEPTH = 4
#: Most bytes of a value to scan, and of its decompressed form.
_MAX_BYTES = 4_000_000
#: Most readings of one value; a crafted value could have any number.
_MAX_READINGS = 200
#: Most parts of a text, between separators, that are decoded separately.
_MAX_PARTS = 12
#: Shorter items are found in text only, and as a whole word: any bytes may contain them.
_SHORT_LENGTH = 4
#: From this length on an item is also found within a longer word.
_LONG_LENGTH = 8

_WORD = re.compile(rb"[0-9A-Za-z+/_=-]{4,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+")
_BASE64 = re.compile(rb"[0-9A-Za-z+/]{3,}={0,2}|[0-9A-Za-z_-]{3,}={0,2}")
_SIGNS = re.compile(rb"[\x00-/:-@\[-`{-\x7f]*")
_ZLIB, _GZIP = b"\x78", b"\x1f\x8b"


def carries(value: bytes, item: bytes) -> bool:
    """Whether a value contains an item in any readable form."""
    return value == item or bool(found(value, (item,)))


def found(value: bytes, items: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return the items that a value contains, without those that are only part of another one."""
    wanted = list(items)
    if not wanted:
        return ()
    texts = readings(value)
    contained = [item for item in wanted if any(_within(item, text) for text in texts)]
    return tuple(
        item
        for item in contained
        if item in texts or not any(item != other and item in other for other in contained)
    )


def readings(value: bytes) -> list[bytes]:
    """Return the readings of a value: itself, and all that can be decoded from it."""
    known = dict.fromkeys([value[:_MAX_BYTES]])
    layer = list(known)
    for _ in range(_DEPTH):
        new = dict.fromkeys(text for known_text in layer for text in _decoded(known_text))
        layer = [text for text in new if text not in known]
        known.update(dict.fromkeys(layer))
        if not layer or len(known) > _MAX_READINGS:
            break
    return list(known)


# -- one encoding ---------------------------------------------------------------------------------


def _decoded(text: bytes) -> Iterator[bytes]:
    for decode in _ENCODINGS:
        with suppress(ValueError, zlib.error, RecursionError):
            yield from decode(text)


def _json(text: bytes) -> Iterator[bytes]:
    """Yield all strings of a JSON document, which may follow a prefix such as a token."""
    start = min((at for at in map(text.find, (b"{", b"[", b'"')) if at >= 0), default=-1)
    if start < 0:
        return
    document, _ = json.JSONDecoder().raw_decode(text[start:].decode("utf-8", "surrogateescape"))
    for leaf in _leaves(document):
        with suppress(UnicodeEncodeError):
            yield leaf.encode("utf-8", "surrogateescape")
        with suppress(UnicodeEncodeError):  # bytes that were decoded one by one
            yield leaf.encode("latin-1")


def _leaves(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, bool) or node is None:
            continue
        elif isinstance(node, (int, float)):
            yield str(node)
        elif isinstance(node, dict):
            waiting += [*node, *node.values()]
        elif isinstance(node, list):
            waiting += node


def _hexadecimal(text: bytes) -> Iterator[bytes]:
    for part in _parts(text):
        if _HEX.fullmatch(part):
            yield bytes.fromhex(part.decode())


def _base_64(text: bytes) -> Iterator[bytes]:
    for part in _parts(text):
        if _BASE64.fullmatch(part):
            bare = part.rstrip(b"=")
            padded = bare + b"=" * (-len(bare) % 4)
            with suppress(binascii.Error):
                yield base64.b64decode(padded, altchars=b"-_" if set(part) & set(b"-_") else None)


def _compressed(text: bytes) -> Iterator[bytes]:
    if text.startswith((_ZLIB, _GZIP)):
        yield zlib.decompressobj(wbits=47).decompress(text, _MAX_BYTES)


def _parts(text: bytes) -> Iterable[bytes]:
    """Yield the text without line breaks, and the parts between its separators."""
    parts = [text.replace(b"\n", b"").replace(b"\r", b"")]
    for index, part in enumerate(_WORD.finditer(text)):
        if index >= _MAX_PARTS:
            break
        parts += [part.group(), *re.split(rb"[_=-]+", part.group())]
    return dict.fromkeys(parts)


_ENCODINGS: tuple[Callable[[bytes], Iterator[bytes]], ...] = (
    _json,
    _hexadecimal,
    _base_64,
    _compressed,
)


# -- an item in a text ----------------------------------------------------------------------------


def _within(item: bytes, text: bytes) -> bool:
    """Whether an item occurs in a text as a whole, not as part of another word or number."""
    if item == text:
        return True
    if len(item) < _SHORT_LENGTH and not _is_text(text):
        return False
    if len(item) < _LONG_LENGTH and _SIGNS.fullmatch(item):
        return False  # every text with an id contains a dash
    position = text.find(item)
    while position >= 0:
        before, after = (
            text[position - 1 : position] if position else b"",
            text[position + len(item) : position + len(item) + 1],
        )
        if _apart(item[:1], before, len(item)) and _apart(item[-1:], after, len(item)):
            return True
        position = text.find(item, position + 1)
    return False


def _apart(edge: bytes, beside: bytes, length: int) -> bool:
    """Whether the character next to an edge of an item does not continue the item."""
    if edge.isdigit():
        # A date or a number with a decimal point is not several numbers.
        return not (beside.isalnum() or (beside and beside in b".-"))
    return length >= _LONG_LENGTH or not (edge.isalnum() and beside.isalnum())


def _is_text(text: bytes) -> bool:
    try:
        return text.decode().isprintable()
    except UnicodeDecodeError:
        return False
