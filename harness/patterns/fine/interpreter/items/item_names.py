"""Lookup of the item that a key or a field is named after.

The name contains the item's bytes, in any spelling, or its token.
"""

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

#: A digest, or its first digits.
_HEX = re.compile(rb"(?<![0-9a-zA-Z])[0-9a-fA-F]{8,}(?![0-9a-zA-Z])")
_WORD = re.compile(rb"[0-9A-Za-z]+")
_SPLIT = re.compile(rb"[:/|._-]")
#: Number of digits of a digest → the function that computes it.
_DIGESTS: dict[int, Callable[[bytes], str]] = {
    32: lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    40: lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    56: lambda data: hashlib.sha224(data).hexdigest(),
    64: lambda data: hashlib.sha256(data).hexdigest(),
    128: lambda data: hashlib.sha512(data).hexdigest(),
}


class About(NamedTuple):
    """An item that a key or a field is named after.

    `held` is set if a token names one delivery of the item. `shape` is the key without the part of
    its name that is the item's.
    """

    item: Item
    held: Delivery | None
    shape: bytes


class Names:
    """Finds the item that a name belongs to."""

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
        """Find the item of a hash field, of a sorted-set member, or of a key with a text."""
        if member:
            held = self.by_token(member)
            if held is not None:
                return About(held.item, held, key)
            item = self._ledger.item_of(member)
            if item is not None:
                return About(item, None, key)
            match = self._item_within(member)
            if match is not None:
                return About(*match[:2], key)
        elif item := self._ledger.item_of(value):
            return About(item, None, key)
        match = self._item_within(key)
        if match is not None:
            return About(*match[:2], _mask_item(key, match[2]))
        part = None if member else self._item_by_part(act, key)
        return None if part is None else About(part[0], None, _mask_item(key, part[1]))

    def _item_within(self, name: bytes) -> tuple[Item, Delivery | None, bytes] | None:
        for word in parts(name):
            item = self._ledger.item_of(word) or self._spellings().get(word)
            if item is not None:
                return item, None, word
            held = self.by_token(word)
            # A token that the worker made; others are values of keys, such as "1" or the worker's
            # name.
            if held is not None and any(sub == word for _, sub in held.places):
                return held.item, held, word
        return next(((item, None, digest) for item, digest in self.digested(name)), None)

    def digested(self, name: bytes) -> Iterator[tuple[Item, bytes]]:
        """Yield the items whose digests, or their first digits, are in a name, with the digits."""
        for digest in _HEX.findall(name):
            item = self._digests(len(digest)).get(digest.lower())
            if item is not None:
                yield item, digest

    def _item_by_part(self, act: StepContext, key: bytes) -> tuple[Item, bytes] | None:
        """Find the item of a key that is named after a part of it, such as the id in a job.

        Only the last item that the worker received counts.
        """
        held = self._ledger.given.get(act.worker)
        if held is None or held not in held.item.held:
            return None
        part = _SPLIT.split(key)[-1]
        matches = part and part in _WORD.findall(held.item.value)
        return (held.item, part) if matches else None

    def _digests(self, length: int) -> dict[bytes, Item]:
        """Return the items by the first digits of their digests."""
        known = self._digested.setdefault(length, {})
        functions = [function for digits, function in _DIGESTS.items() if digits >= length]
        if len(known) < len(functions) * len(self._ledger.items):
            known.update(
                (function(item.value)[:length].encode(), item)
                for item in self._ledger.items.values()
                for function in functions
            )
        return known

    def _spellings(self) -> dict[bytes, Item]:
        """Return the items by their spelling in hexadecimal digits, in base64, and in a URL."""
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


def _mask_item(key: bytes, word: bytes) -> bytes:
    """Return a key's name without the item's part, which is most often its end."""
    before, _, after = key.rpartition(word)
    return before + b"*" + after


def parts(name: bytes) -> Iterator[bytes]:
    """Yield the parts of a name.

    First come its ends from each separator on, the longest first. Then come the name itself, its
    beginnings, and the texts between two separators.
    """
    splits = list(_SPLIT.finditer(name))
    yield from (name[separator.end() :] for separator in splits)
    yield name
    yield from (name[: separator.start()] for separator in reversed(splits))
    for first, last in combinations(splits, 2):
        yield name[first.end() : last.start()]
