"""Whether bytes contain an item: as they are, or in JSON, base64, hexadecimal or compressed form.

Workers seldom keep an item as it came: they put it into an envelope, with a token in front, or
encode it. What can be read here is proof; whatever else is unreadable to the harness.
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

#: Encodings in encodings that are followed: JSON in base64 of a compressed envelope has three.
_DEPTH = 4
#: Bytes of a value that are looked at, and of what it is decompressed to.
_MOST = 4_000_000
#: Readings of one value; a crafted one could have any number.
_READINGS = 200
#: Parts of a text, between separators, that are decoded each for itself.
_PARTS = 12
#: Shorter items are found in text only, and as a whole word: any bytes may contain them.
_SHORT = 4
#: From this length on an item is found within a longer word, too.
_LONG = 8

_WORD = re.compile(rb"[0-9A-Za-z+/_=-]{4,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+")
_BASE64 = re.compile(rb"[0-9A-Za-z+/]{3,}={0,2}|[0-9A-Za-z_-]{3,}={0,2}")
_SIGNS = re.compile(rb"[\x00-/:-@\[-`{-\x7f]*")
_ZLIB, _GZIP = b"\x78", b"\x1f\x8b"


def carries(value: bytes, item: bytes) -> bool:
    """Whether a value contains an item, in any of the forms that can be read."""
    return value == item or bool(found(value, (item,)))


def found(value: bytes, items: Iterable[bytes]) -> tuple[bytes, ...]:
    """Those of the items that a value contains; not those that are only part of another one."""
    wanted = list(items)
    if not wanted:
        return ()
    texts = readings(value)
    here = [item for item in wanted if any(_within(item, text) for text in texts)]
    return tuple(
        item
        for item in here
        if item in texts or not any(item != other and item in other for other in here)
    )


def readings(value: bytes) -> list[bytes]:
    """What a value may say: itself, and all that it can be decoded to."""
    known = dict.fromkeys([value[:_MOST]])
    layer = list(known)
    for _ in range(_DEPTH):
        new = dict.fromkeys(text for each in layer for text in _decoded(each))
        layer = [text for text in new if text not in known]
        known.update(dict.fromkeys(layer))
        if not layer or len(known) > _READINGS:
            break
    return list(known)


# -- one encoding ---------------------------------------------------------------------------------


def _decoded(text: bytes) -> Iterator[bytes]:
    for read in _ENCODINGS:
        with suppress(ValueError, zlib.error, RecursionError):
            yield from read(text)


def _json(text: bytes) -> Iterator[bytes]:
    """All strings of a document, which may have something in front of it, as a token."""
    start = min((at for at in map(text.find, (b"{", b"[", b'"')) if at >= 0), default=-1)
    if start < 0:
        return
    document, _ = json.JSONDecoder().raw_decode(text[start:].decode("utf-8", "surrogateescape"))
    for leaf in _leaves(document):
        with suppress(UnicodeEncodeError):
            yield leaf.encode("utf-8", "surrogateescape")
        with suppress(UnicodeEncodeError):  # bytes that were made text one by one
            yield leaf.encode("latin-1")


def _leaves(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, bool) or one is None:
            continue
        elif isinstance(one, (int, float)):
            yield str(one)
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


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
        yield zlib.decompressobj(wbits=47).decompress(text, _MOST)


def _parts(text: bytes) -> Iterable[bytes]:
    """The whole, and what lies between separators in it, without line breaks."""
    parts = [text.replace(b"\n", b"").replace(b"\r", b"")]
    for index, part in enumerate(_WORD.finditer(text)):
        if index >= _PARTS:
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
    """Whether an item stands in a text for itself, and is not part of another word or number."""
    if item == text:
        return True
    if len(item) < _SHORT and not _is_text(text):
        return False
    if len(item) < _LONG and _SIGNS.fullmatch(item):
        return False  # a dash stands in all that has an id in it
    at = text.find(item)
    while at >= 0:
        before, after = text[at - 1 : at] if at else b"", text[at + len(item) : at + len(item) + 1]
        if _apart(item[:1], before, len(item)) and _apart(item[-1:], after, len(item)):
            return True
        at = text.find(item, at + 1)
    return False


def _apart(edge: bytes, beside: bytes, length: int) -> bool:
    """Whether what stands beside an edge of an item does not go on with it."""
    if edge.isdigit():
        # A date or a number with a point is not several numbers.
        return not (beside.isalnum() or (beside and beside in b".-"))
    return length >= _LONG or not (edge.isalnum() and beside.isalnum())


def _is_text(text: bytes) -> bool:
    try:
        return text.decode().isprintable()
    except UnicodeDecodeError:
        return False
