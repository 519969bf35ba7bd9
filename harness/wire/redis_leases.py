"""Leases of items in lists, hashes and sorted sets: keys that end, scores that are moments.

A lease belongs to an item by the token under which a hash has the item, or by its bytes, or by
their digest in the name of a key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from harness.wire.redis_items import Act, Held, Item
from harness.wire.redis_learned import Learned
from harness.wire.redis_ledger import Ledger
from harness.wire.redis_places import Gone, Note, Places, Scored, Timed
from harness.wire.redis_words import name

#: Seconds that a deadline lies ahead of the moment at which it is set.
_AHEAD = 0.02
#: Lua writes the numbers of seconds with four places.
_ROUNDED = 0.001

#: Commands within which a worker sets a key as a lease on what it was given.
_SOON = 3

_HEX = re.compile(rb"[0-9a-fA-F]{32,}")
#: What finds members by their scores.
_BY_SCORE = frozenset((b"ZRANGEBYSCORE", b"ZREVRANGEBYSCORE", b"ZRANGE", b"ZCOUNT"))
_NUMBER = re.compile(rb"\(?\d+(\.\d+)?")
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


class Leases:
    """Finds out which items the notes of a step are about, and enters it."""

    def __init__(self, queue: bytes, places: Places, ledger: Ledger, learned: Learned) -> None:
        self._queue, self._places = queue, places
        self._ledger, self._learned = ledger, learned
        #: Keys that are leases → their items.
        self._keys: dict[bytes, Item] = {}
        self._digested: dict[int, dict[bytes, Item]] = {}
        #: Keys whose numbers are until when items are claimed.
        self._deadlines: set[bytes] = set()
        #: Keys whose numbers are when items were claimed, not until when.
        self.stamps: set[bytes] = set()
        self.seen = False

    def read(self, act: Act, notes: list[Note], *, expired: set[bytes]) -> None:
        """Enter a step's notes; `expired` are the keys that nobody has deleted."""
        for note in notes:
            if isinstance(note, Scored):
                self._scored(act, note)
            elif isinstance(note, Timed):
                self._timed(act, note)
            else:
                self._gone(act, note, note.key in expired)

    # -- numbers ------------------------------------------------------------------------------

    def _scored(self, act: Act, note: Scored) -> None:
        until = _moment(note.score)
        if until is None or act.outside:
            return
        held = self._by_token(note.member)
        item = self._ledger.items.get(note.member) if held is None else held.item
        if item is None:
            return
        if until > act.end + _AHEAD:
            self._deadlines.add(note.key)
        elif note.key not in self._deadlines:
            until = self._after_claim(note.key, until)
            if until is None:
                return
        if held is None:
            held = self._holder(act, item)
        if until <= act.end + _ROUNDED:
            if held is not None and held.leased:
                held.until = until
                self._ledger.free(act, held)
        else:
            token = held.token if held is not None and held.token == note.member else b""
            self._leased(act, item, held, until, token)

    def _after_claim(self, key: bytes, claimed: float) -> float | None:
        """The lease's end where the number says when it began, as far as that is known."""
        if key == self._queue:
            return None
        self.stamps.add(key)
        return None if self._learned.idle is None else claimed + self._learned.idle

    def look(self, act: Act) -> None:
        """Who looks for what was claimed long ago says how long a lease lasts."""
        for words in () if act.group is None or not self.stamps else act.group.lines:
            if name(words) in _BY_SCORE and len(words) > 3 and words[1] in self.stamps:
                limits = (
                    _moment(float(word.lstrip(b"(")))
                    for word in words[2:4]
                    if _NUMBER.fullmatch(word)
                )
                for limit in limits:
                    if limit is not None and limit < act.moment - _AHEAD:
                        self._learned.idle = round(act.moment - limit, 2)

    def _by_token(self, token: bytes) -> Held | None:
        held = self._ledger.tokens.get(token)
        if held is not None and held in held.item.held:
            return held
        return None

    # -- keys that end ------------------------------------------------------------------------

    def _timed(self, act: Act, note: Timed) -> None:
        item = self._keys.get(note.key)
        if note.value is not None and (item is None or not item.held):
            item = self._item_of(act, note.key, note.value) or item
        if item is None or act.outside:
            return
        self._keys[note.key] = item
        until, held = note.until / 1000, self._holder(act, item)
        token = note.value
        if token is None:  # only its end was moved
            token = b"" if held is None else held.token
        if until > act.moment + _ROUNDED and not _is_too_late(act, held):
            self._leased(act, item, held, until, token)

    def _gone(self, act: Act, note: Gone, expired: bool) -> None:
        item = self._keys.get(note.key)
        held = None if item is None else next((one for one in item.held if one.until), None)
        if held is None:
            return
        if expired or held.worker == act.worker:
            self._ledger.expire(act, held)
        else:
            held.until = None

    def _item_of(self, act: Act, key: bytes, value: bytes) -> Item | None:
        """The item that a new key is a lease on."""
        items = self._ledger.items
        for word in (value, *_tails(key)):
            if word in items:
                return items[word]
        for digest in _HEX.findall(key):
            known = self._digests(len(digest))
            if digest.lower() in known:
                return known[digest.lower()]
        # Named after a part of it, as is the id in a job's description.
        held = self._ledger.given.get(act.worker)
        if held is None or held not in held.item.held:
            return None
        part = _SPLIT.split(key)[-1]
        return held.item if part and part in _WORD.findall(held.item.value) else None

    def _digests(self, length: int) -> dict[bytes, Item]:
        made = self._digested.setdefault(length, {})
        make = _DIGESTS.get(length)
        if make is not None and len(made) < len(self._ledger.items):
            for item in list(self._ledger.items.values())[len(made) :]:
                made[make(item.value).encode()] = item
        return made

    # -- both ---------------------------------------------------------------------------------

    def is_deadline(self, key: bytes) -> bool:
        """Whether what lies there are leases, and no items."""
        return key in self._deadlines or key in self.stamps

    def _holder(self, act: Act, item: Item) -> Held | None:
        """Of who has the item: this worker if it does, else the last one."""
        mine = [one for one in item.held if one.worker == act.worker]
        owners = mine or item.held
        return owners[-1] if owners else None

    def _leased(self, act: Act, item: Item, held: Held | None, until: float, token: bytes) -> None:
        """Somebody has a lease: its holder, by where it comes from or by the token, or another."""
        if held is None:
            held = self._claimed_by_it(act, item)
            if held is None:
                return
        elif not held.new and (held.returned or not _is_holder(act, held, token)):
            held = self._ledger.take_over(act, held, held.places)
        self.seen = True
        held.token = token or held.token
        self._ledger.lease(act, held, until)

    def _claimed_by_it(self, act: Act, item: Item) -> Held | None:
        """A lease on what is ready claims it, where it lies."""
        ready = (self._queue, b"") in self._places.of(item.value)
        if not ready or item.value in act.fresh:
            return None
        return self._ledger.deliver(act, item, [], in_place=True)


def _is_too_late(act: Act, held: Held | None) -> bool:
    """A first lease comes soon; what is set later is something else, as a result."""
    mine = held is not None and held.worker == act.worker
    return held is not None and mine and not held.leased and held.commands > _SOON


def _is_holder(act: Act, held: Held, token: bytes) -> bool:
    """Whether this worker has the item already; a new container of its pod has not."""
    if held.worker != act.worker:
        return False
    if token and held.token:
        return token == held.token
    over = held.until is None or held.until < act.moment
    return held.connection == act.connection or not (held.leased and over)


def _moment(number: float) -> float | None:
    """A number as seconds since 1970, where it can be one, be it in seconds or milliseconds."""
    if 1e9 < number < 1e11:
        return number
    return number / 1000 if 1e12 < number < 1e14 else None


def _tails(key: bytes) -> list[bytes]:
    """The ends of a key's name from each of its separators on, the longest first."""
    return [key[found.end() :] for found in _SPLIT.finditer(key)] + [key]
