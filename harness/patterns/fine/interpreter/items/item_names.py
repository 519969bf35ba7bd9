"""Which item a key or a field is named after: its bytes, in any spelling, or its token."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple
from urllib.parse import quote

from harness.patterns.fine.interpreter.items.deliveries import Delivery, Item, StepContext
from harness.patterns.fine.interpreter.items.ledger import DeliveryLedger

#: A digest, or how it begins.
_HEX = re.compile(rb"(?<![0-9a-zA-Z])[0-9a-fA-F]{8,}(?![0-9a-zA-Z])")
_WORD = re.compile(rb"[0-9A-Za-z]+")
_SPLIT = re.compile(rb"[:/|._-]")
#: Digits of a digest → how it is made.
_DIGESTS: dict[int, Callable[[bytes], str]] = {
    32: lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    40: lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    56: lambda data: hashlib.sha224(data).hexdigest(),
    64: lambda data: hashlib.sha256(data).hexdigest(),
    128: lambda data: hashlib.sha512(data).hexdigest(),
}


class About(NamedTuple):
    """An item that something is named after; `held` where a token names one delivery of it.

    `shape` is the key without that part of its name which is the item's.
    """

    item: Item
    held: Delivery | None
    shape: bytes


class Names:
    """Finds the item."""

    def __init__(self, ledger: DeliveryLedger) -> None:
        self._ledger = ledger
        self._digested: dict[int, dict[bytes, Item]] = {}
        self._spelled: dict[bytes, Item] = {}
        self._spelled_items = 0

    def by_token(self, token: bytes) -> Delivery | None:
        held = self._ledger.tokens.get(token)
        return held if held is not None and held in held.item.held else None

    def of(
        self, act: StepContext, key: bytes, member: bytes = b"", value: bytes = b""
    ) -> About | None:
        """What a field of a hash, a member of a sorted set, or a key with a text is about."""
        if member:
            held = self.by_token(member)
            if held is not None:
                return About(held.item, held, key)
            item = self._ledger.item_of(member)
            if item is not None:
                return About(item, None, key)
            found = self._within(member)
            if found is not None:
                return About(*found[:2], key)
        elif item := self._ledger.item_of(value):
            return About(item, None, key)
        found = self._within(key)
        if found is not None:
            return About(*found[:2], _without(key, found[2]))
        part = None if member else self._part(act, key)
        return None if part is None else About(part[0], None, _without(key, part[1]))

    def _within(self, name: bytes) -> tuple[Item, Delivery | None, bytes] | None:
        for word in parts(name):
            item = self._ledger.item_of(word) or self._spellings().get(word)
            if item is not None:
                return item, None, word
            held = self.by_token(word)
            # A token of the worker's own making; others are values of keys, as "1" or its name.
            if held is not None and any(sub == word for _, sub in held.places):
                return held.item, held, word
        return next(((item, None, digest) for item, digest in self.digested(name)), None)

    def digested(self, name: bytes) -> Iterator[tuple[Item, bytes]]:
        """The items whose digests, or how they begin, are in a name; and these."""
        for digest in _HEX.findall(name):
            item = self._digests(len(digest)).get(digest.lower())
            if item is not None:
                yield item, digest

    def _part(self, act: StepContext, key: bytes) -> tuple[Item, bytes] | None:
        """Named after a part of the item that its worker was given, as is the id in a job."""
        held = self._ledger.given.get(act.worker)
        if held is None or held not in held.item.held:
            return None
        part = _SPLIT.split(key)[-1]
        found = part and part in _WORD.findall(held.item.value)
        return (held.item, part) if found else None

    def _digests(self, length: int) -> dict[bytes, Item]:
        """The items by the first digits of their digests."""
        made = self._digested.setdefault(length, {})
        ways = [make for digits, make in _DIGESTS.items() if digits >= length]
        if len(made) < len(ways) * len(self._ledger.items):
            made.update(
                (make(item.value)[:length].encode(), item)
                for item in self._ledger.items.values()
                for make in ways
            )
        return made

    def _spellings(self) -> dict[bytes, Item]:
        """The items by what they are as hexadecimal digits, in base64, and in an address."""
        if self._spelled_items < len(self._ledger.items):
            for item in list(self._ledger.items.values())[self._spelled_items :]:
                self._spelled.update((word, item) for word in _spelled(item.value))
            self._spelled_items = len(self._ledger.items)
        return self._spelled


def _spelled(value: bytes) -> Iterator[bytes]:
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for plain in (base64.b64encode(value), base64.urlsafe_b64encode(value)):
        yield plain
        yield plain.rstrip(b"=")
    yield quote(value, safe="").encode()


def _without(key: bytes, word: bytes) -> bytes:
    """A key's name without what is an item's own: most often its end."""
    before, _, after = key.rpartition(word)
    return before + b"*" + after


def parts(name: bytes) -> Iterator[bytes]:
    """A name's ends from each of its separators on, the longest first; itself; its beginnings; and
    what stands between two separators."""
    splits = list(_SPLIT.finditer(name))
    yield from (name[found.end() :] for found in splits)
    yield name
    yield from (name[: found.start()] for found in reversed(splits))
    for first, last in combinations(splits, 2):
        yield name[first.end() : last.start()]
