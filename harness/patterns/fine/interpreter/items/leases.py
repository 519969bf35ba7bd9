"""Leases of items in lists, hashes and sorted sets: keys that end, numbers that are moments.

A lease belongs to an item by the token under which a hash has the item, or by its bytes, or by
their digest in the name of a key. A number is a lease's end only if it behaves as one: it lies
near now and ahead, it is no part of an item, and somebody reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.patterns.fine.interpreter.items.deliveries import Delivery, Item, StepContext
from harness.patterns.fine.interpreter.items.heartbeats import Heartbeats
from harness.patterns.fine.interpreter.items.item_names import About, Names
from harness.patterns.fine.interpreter.items.ledger import DeliveryLedger
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.keyspace.locations import (
    Dropped,
    Gone,
    Note,
    Place,
    Scored,
    Timed,
    Written,
)
from harness.patterns.fine.interpreter.keyspace.values import Space
from harness.patterns.fine.interpreter.transcript.commands import Words, name, reads
from harness.patterns.fine.interpreter.transcript.time_values import limits, moment, moments, number

#: Seconds that a deadline lies ahead of the moment at which it is set.
_AHEAD = 0.02
#: Lua writes the numbers of seconds with four places.
_ROUNDED = 0.001
#: Seconds within which a number is "now": when something was claimed.
_NOW = 60.0

#: Commands within which a worker sets a key as a lease on what it was given.
_SOON = 3
#: Numbers that wait for somebody who reads them.
_MOST = 1000


@dataclass(slots=True, eq=False)
class _Unread:
    """A moment was written that nobody has read yet; it may be the end of a lease."""

    held: Delivery
    shape: bytes
    until: float
    at: float


class Leases:
    """Finds out which items the notes of a step are about, and enters it."""

    def __init__(
        self, queue: bytes, space: Space, ledger: DeliveryLedger, learned: RoleLearner
    ) -> None:
        self._queue, self._places = queue, space.places
        self._ledger, self._learned = ledger, learned
        self._names = Names(ledger)
        self._beats = Heartbeats(space, ledger)
        #: Keys that are leases → their items.
        self._keys: dict[Place, About] = {}
        #: Where leases are, and whose.
        self._at: dict[Place, Delivery] = {}
        self._unread: dict[Place, _Unread] = {}
        #: Keys that somebody has read.
        self._read: set[bytes] = set()
        #: Keys whose numbers are until when items are claimed.
        self._deadlines: set[bytes] = set()
        #: Keys whose numbers are when items were claimed, not until when.
        self.stamps: set[bytes] = set()
        self._seen = False

    @property
    def seen(self) -> bool:
        """Whether there was a lease, be it a worker's on all that it has."""
        return self._seen or self._beats.seen

    def read(self, act: StepContext, notes: list[Note], *, expired: set[Place]) -> None:
        """Enter a step's notes; `expired` are the places that nobody has deleted."""
        if not act.outside:
            self._looks(act)  # a script looks before it writes
        for note in notes:
            if isinstance(note, Scored):
                self._scored(act, note)
            elif isinstance(note, Written):
                self._written(act, note)
            elif isinstance(note, Timed):
                self._timed(act, note)
            elif isinstance(note, Gone):
                self._gone(act, note, (note.key, note.member) in expired)
            else:
                self._dropped(act, note)

    def given(self, act: StepContext) -> None:
        """What was given in this step may be under a lease that its worker has already."""
        self._beats.given(act)

    # -- numbers ------------------------------------------------------------------------------

    def _scored(self, act: StepContext, note: Scored) -> None:
        waits = self._learned.is_source(note.key) and not self.is_deadline(note.key)
        if act.outside or waits:  # of what waits there, it is the moment until when it does
            return
        about = self._names.of(act, note.key, note.member)
        until = moment(note.score, act.moment)
        if about is None:
            self._beats.numbered(act, (note.key, note.member), until)
            return
        if until is None and note.key in self._deadlines and note.score < act.moment:
            until = 0.0  # as good as over: 0, or -inf
        if until is None or _is_part(note.score, about.item):
            return
        if until > act.end + _AHEAD:
            self._deadlines.add(note.key)
        elif note.key not in self._deadlines:
            until = self._after_claim(act, note.key, until)
            if until is None:
                return
        self._set(act, about, (note.key, note.member), until)

    def _written(self, act: StepContext, note: Written) -> None:
        if act.outside or note.value in self._ledger.items:
            return
        place = note.key, note.member
        about = self._names.of(act, note.key, note.member, b"" if note.member else note.value)
        if about is None:
            alone = number(note.value)
            self._beats.numbered(act, place, None if alone is None else moment(alone, act.moment))
            return
        ends = moments(note.value, about.item.value, act.moment)
        ahead = [until for until in ends if until > act.end + _AHEAD]
        if len(ahead) == 1:
            self._maybe(act, about, place, ahead[0])
        elif ahead:  # which of them, nobody can say
            self._unread.pop(place, None)
        elif place in self._at:
            self._ended(act, place, max(ends, default=None))
        elif ends and number(note.value) is not None:
            until = self._after_claim(act, note.key, max(ends))
            if until is not None:
                self._set(act, about, place, until)

    def _maybe(self, act: StepContext, about: About, place: Place, until: float) -> None:
        """A moment to come was written: the end of a lease, if somebody reads it."""
        held = about.held or self._holder(act, about.item)
        known = about.shape in self._learned.deadlines or place in self._at
        if not known and place[0] in self._read:
            self._learned.deadlines.setdefault(about.shape)
            known = True
        # Where an item lies by that alone, it is its claim.
        alone = held is None or not held.places or all(one[0] == place[0] for one in held.places)
        if known or (alone and place[1] == about.item.value):
            self._set(act, about, place, until)
        elif held is not None and not _is_too_late(act, held):
            if len(self._unread) >= _MOST:
                self._unread = {at: one for at, one in self._unread.items() if _lives(one.held)}
            self._unread[place] = _Unread(held, about.shape, until, act.at)

    def _ended(self, act: StepContext, place: Place, until: float | None) -> None:
        """Where a lease was, there is a moment that is over, or none."""
        held = self._at[place]
        if until is None or not _lives(held):
            self._dropped(act, Dropped(*place))
        else:
            self._set(act, About(held.item, held, place[0]), place, until)

    def _after_claim(self, act: StepContext, key: bytes, claimed: float) -> float | None:
        """The lease's end where the number says when it began, as far as that is known."""
        if key == self._queue or act.moment - claimed > _NOW:
            return None
        self.stamps.add(key)
        return None if self._learned.idle is None else claimed + self._learned.idle

    def look(self, act: StepContext) -> None:
        """Who looks for what was claimed long ago says how long a lease lasts."""
        for words in () if act.group is None or not self.stamps else act.group.lines:
            if len(words) > 3 and words[1] in self.stamps:
                for limit in limits(words, act.moment):
                    if limit < act.moment - _AHEAD:
                        idle = round(act.moment - limit, 2)
                        self._learned.idle = min(idle, self._learned.idle or idle)
        self._looks(act)
        self._beats.look(act)

    def _looks(self, act: StepContext) -> None:
        """What was read: a moment that nobody looks at ends no lease."""
        for words in () if act.group is None else act.group.lines:
            self._read.update(reads(words))
        for place, one in list(self._unread.items()):
            if place[0] in self._read:
                del self._unread[place]
                self._learned.deadlines.setdefault(one.shape)
                if _lives(one.held) and not one.held.returned:
                    self._until(act, one.held, place, one.until, one.at)

    # -- keys that end ------------------------------------------------------------------------

    def _timed(self, act: StepContext, note: Timed) -> None:
        place = note.key, note.member
        about = self._keys.get(place)
        if about is None or (note.value is not None and not about.item.held):
            value = b"" if note.member else note.value or note.kept
            about = self._names.of(act, note.key, note.member, value) or about
        if act.outside:
            return
        if about is None or self._is_of_worker(act, about):
            self._beats.timed(act, place, note.until / 1000)
            return
        fresh = place not in self._keys
        self._keys[place] = about
        until = note.until / 1000
        held = about.held or self._holder(act, about.item, note.value or b"")
        token = note.value
        if token is None:  # only its end was moved
            token = note.kept if fresh or held is None else held.token
        if until > act.moment + _ROUNDED and not _is_too_late(act, held):
            self._leased(act, About(about.item, held, about.shape), place, until, token)

    def _is_of_worker(self, act: StepContext, about: About) -> bool:
        """Named like an item that nobody has, by a worker that has another: its own name."""
        own = self._ledger.given.get(act.worker)
        return not about.item.held and own is not None and _lives(own)

    def _gone(self, act: StepContext, note: Gone, expired: bool) -> None:
        place = note.key, note.member
        held = self._at.pop(place, None)
        if held is None or not _lives(held):
            return
        until = held.sources.pop(place, None)
        if held.until is None or until != held.until:
            return
        if expired or held.worker == act.worker:
            self._ledger.expire(act, held)
        else:
            held.until = None

    def _dropped(self, act: StepContext, note: Dropped) -> None:
        """A lease without an end of its own was removed: by its holder, it is given up."""
        place = note.key, note.member
        self._unread.pop(place, None)
        held = self._at.pop(place, None)
        if held is None or not _lives(held):
            return
        held.sources.pop(place, None)
        if held.worker == act.worker and not held.sources:
            held.dropped = act.at

    # -- both ---------------------------------------------------------------------------------

    def is_deadline(self, key: bytes) -> bool:
        """Whether what lies there are leases, and no items."""
        return key in self._deadlines or key in self.stamps or key in self._learned.deadlines

    def _holder(self, act: StepContext, item: Item, token: bytes = b"") -> Delivery | None:
        """Of who has the item: this worker if it does; else one who has it no more, or the last."""
        mine = [one for one in item.held if one.worker == act.worker]
        if mine:
            same = [one for one in mine if token and one.token == token]
            near = [one for one in mine if one.connection == act.connection]
            return (same or near or mine)[-1]
        over = [one for one in item.held if one.returned or _is_over(one, act.moment)]
        owners = over or item.held
        return owners[-1] if owners else None

    def _set(self, act: StepContext, about: About, place: Place, until: float) -> None:
        """A number says until when an item is somebody's: from now on, or no more."""
        held = about.held or self._holder(act, about.item)
        if until > act.end + _ROUNDED:
            token = held.token if held is not None and held.token == place[1] else b""
            self._leased(act, About(about.item, held, about.shape), place, until, token)
        elif held is not None and held.leased:
            held.until = until
            held.sources.clear()
            self._ledger.free(act, held)

    def _leased(
        self, act: StepContext, about: About, place: Place, until: float, token: bytes
    ) -> None:
        """Somebody has a lease: its holder, by where it comes from or by the token, or another."""
        item, held = about.item, about.held
        if held is None:
            held = self._claimed_by_it(act, item)
            if held is None:
                return
        elif not held.new and (held.returned or not _is_holder(act, held, token)):
            if self._is_late(act, item):
                return
            before = held
            held = self._ledger.take_over(act, before, before.places)
            if self._ledger.tokens.get(before.token) is before:  # it lies under the same id
                self._ledger.name(held, before.token)
        held.token = token or held.token
        self._until(act, held, place, until)

    def _until(
        self, act: StepContext, held: Delivery, place: Place, until: float, at: float | None = None
    ) -> None:
        """Enter the end of a lease; of several on one item the first that ends counts."""
        self._seen = True
        self._at[place] = held
        held.sources[place], held.dropped = until, None
        live = [one for one in held.sources.values() if one > act.moment]
        first = min(live, default=until)
        if first != held.until or until == first:
            self._ledger.lease(act, held, first, at)

    def _is_late(self, act: StepContext, item: Item) -> bool:
        """Of equal items, who had one renews its lease though the item is done.

        Which one that was about nobody can say; of a single item it takes what is another's.
        """
        return item.enqueued > 1 and act.worker in item.had

    def _claimed_by_it(self, act: StepContext, item: Item) -> Delivery | None:
        """A lease on what is ready claims it, where it lies."""
        ready = (self._queue, b"") in self._places.of(item.value)
        if not ready or item.value in act.fresh:
            return None
        return self._ledger.deliver(act, item, [], in_place=True)


def _lives(held: Delivery) -> bool:
    return held in held.item.held


def _is_over(held: Delivery, now: float) -> bool:
    return held.until is not None and held.until < now


def _is_part(score: float, item: Item) -> bool:
    """Whether a number is one of the item's own, as its id or its price."""
    return score.is_integer() and b"%d" % int(score) in item.value


def _is_too_late(act: StepContext, held: Delivery | None) -> bool:
    """A first lease comes soon; what is set later is something else, as a result."""
    mine = held is not None and held.worker == act.worker
    return held is not None and mine and not held.leased and held.commands > _SOON


def _is_holder(act: StepContext, held: Delivery, token: bytes) -> bool:
    """Whether this worker has the item already; a new container of its pod has not."""
    if held.worker != act.worker:
        return False
    over = held.until is None or held.until < act.moment
    if held.leased and over and act.brings(held.item.value):
        return False  # it was given it once more, be it under the same id
    if token and held.token and token != held.token:
        # Another text in its own lease renews it; in one that is over it is another claim.
        return held.connection == act.connection and not over
    if token and held.token:
        return True
    return held.connection == act.connection or not (held.leased and over)


def unasked(effect: Words) -> Iterable[Place]:
    """What an effect removes, be it keys or fields of a hash."""
    if name(effect) in (b"DEL", b"UNLINK"):
        return [(key, b"") for key in effect[1:]]
    return [(effect[1], field) for field in effect[2:]] if name(effect) == b"HDEL" else []
