"""Leases of items in lists, hashes and sorted sets: expiring keys, numbers for moments.

A lease belongs to an item by the token under which a hash holds the item, or by the item's bytes,
or by their digest in the name of a key. A number is a lease's end only if it behaves as one: it
lies near now and ahead, it is not part of an item, and a worker reads it.
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
#: Lua writes numbers of seconds with four decimal places.
_ROUNDED = 0.001
#: Seconds within which a number is "now": the time of a claim.
_NOW = 60.0

#: Number of commands within which a worker sets a key as a lease on a new item.
_SOON = 3
#: Most numbers that are kept until a worker reads them.
_MOST = 1000


@dataclass(slots=True, eq=False)
class _Unread:
    """A written moment that no worker has read yet; it may be the end of a lease."""

    held: Delivery
    shape: bytes
    until: float
    at: float


class Leases:
    """Finds the items that a step's notes are about, and records their leases."""

    def __init__(
        self, queue: bytes, space: Space, ledger: DeliveryLedger, learned: RoleLearner
    ) -> None:
        self._queue, self._places = queue, space.places
        self._ledger, self._learned = ledger, learned
        self._names = Names(ledger)
        self._beats = Heartbeats(space, ledger)
        #: Keys that are leases → their items.
        self._keys: dict[Place, About] = {}
        #: Places of leases → the deliveries that they belong to.
        self._at: dict[Place, Delivery] = {}
        self._unread: dict[Place, _Unread] = {}
        #: Keys that a worker has read.
        self._read: set[bytes] = set()
        #: Keys whose numbers are the ends of claims.
        self._deadlines: set[bytes] = set()
        #: Keys whose numbers are the times of claims, not their ends.
        self.stamps: set[bytes] = set()
        self._seen = False

    @property
    def seen(self) -> bool:
        """Whether there was a lease, including a worker's lease on all its items."""
        return self._seen or self._beats.seen

    def read(self, act: StepContext, notes: list[Note], *, expired: set[Place]) -> None:
        """Record a step's notes; `expired` are the places that no command deleted."""
        if not act.outside:
            self._record_reads(act)  # a script reads before it writes
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
        """Apply leases that a worker already has to the items that this step delivered."""
        self._beats.given(act)

    # -- numbers ------------------------------------------------------------------------------

    def _scored(self, act: StepContext, note: Scored) -> None:
        waits = self._learned.is_source(note.key) and not self.is_deadline(note.key)
        if act.outside or waits:  # an item waits there until this moment, which is no lease
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
        self._apply_end(act, about, (note.key, note.member), until)

    def _written(self, act: StepContext, note: Written) -> None:
        if act.outside or note.value in self._ledger.items:
            return
        place = note.key, note.member
        about = self._names.of(act, note.key, note.member, b"" if note.member else note.value)
        if about is None:
            parsed = number(note.value)
            self._beats.numbered(act, place, None if parsed is None else moment(parsed, act.moment))
            return
        ends = moments(note.value, about.item.value, act.moment)
        ahead = [until for until in ends if until > act.end + _AHEAD]
        if len(ahead) == 1:
            self._future_written(act, about, place, ahead[0])
        elif ahead:  # it is unknown which of them counts
            self._unread.pop(place, None)
        elif place in self._at:
            self._ended(act, place, max(ends, default=None))
        elif ends and number(note.value) is not None:
            until = self._after_claim(act, note.key, max(ends))
            if until is not None:
                self._apply_end(act, about, place, until)

    def _future_written(self, act: StepContext, about: About, place: Place, until: float) -> None:
        """Handle a future moment that was written: the end of a lease, if a worker reads it."""
        held = about.held or self._holder(act, about.item)
        known = about.shape in self._learned.deadlines or place in self._at
        if not known and place[0] in self._read:
            self._learned.deadlines.setdefault(about.shape)
            known = True
        # If an item lies in this key alone, the moment is its claim.
        only_here = (
            held is None or not held.places or all(entry[0] == place[0] for entry in held.places)
        )
        if known or (only_here and place[1] == about.item.value):
            self._apply_end(act, about, place, until)
        elif held is not None and not _is_too_late(act, held):
            if len(self._unread) >= _MOST:
                self._unread = {
                    at: entry for at, entry in self._unread.items() if _lives(entry.held)
                }
            self._unread[place] = _Unread(held, about.shape, until, act.at)

    def _ended(self, act: StepContext, place: Place, until: float | None) -> None:
        """Handle a lease whose text now has a past moment, or none."""
        held = self._at[place]
        if until is None or not _lives(held):
            self._dropped(act, Dropped(*place))
        else:
            self._apply_end(act, About(held.item, held, place[0]), place, until)

    def _after_claim(self, act: StepContext, key: bytes, claimed: float) -> float | None:
        """Return the end of a lease whose number is its beginning, as far as that is known."""
        if key == self._queue or act.moment - claimed > _NOW:
            return None
        self.stamps.add(key)
        return None if self._learned.idle is None else claimed + self._learned.idle

    def look(self, act: StepContext) -> None:
        """Learn how long a lease lasts, from a worker that searches for old claims."""
        for words in () if act.group is None or not self.stamps else act.group.lines:
            if len(words) > 3 and words[1] in self.stamps:
                for limit in limits(words, act.moment):
                    if limit < act.moment - _AHEAD:
                        idle = round(act.moment - limit, 2)
                        self._learned.idle = min(idle, self._learned.idle or idle)
        self._record_reads(act)
        self._beats.look(act)

    def _record_reads(self, act: StepContext) -> None:
        """Record the keys that were read: a moment that no worker reads ends no lease."""
        for words in () if act.group is None else act.group.lines:
            self._read.update(reads(words))
        for place, unread in list(self._unread.items()):
            if place[0] in self._read:
                del self._unread[place]
                self._learned.deadlines.setdefault(unread.shape)
                if _lives(unread.held) and not unread.held.returned:
                    self._record_end(act, unread.held, place, unread.until, unread.at)

    # -- expiring keys ------------------------------------------------------------------------

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
        is_new = place not in self._keys
        self._keys[place] = about
        until = note.until / 1000
        held = about.held or self._holder(act, about.item, note.value or b"")
        token = note.value
        if token is None:  # only its expiry changed
            token = note.kept if is_new or held is None else held.token
        if until > act.moment + _ROUNDED and not _is_too_late(act, held):
            self._leased(act, About(about.item, held, about.shape), place, until, token)

    def _is_of_worker(self, act: StepContext, about: About) -> bool:
        """Return whether a name is the worker's own, though it is like that of an item.

        No worker has that item, and this worker has another one.
        """
        current = self._ledger.given.get(act.worker)
        return not about.item.held and current is not None and _lives(current)

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
        """Handle the removal of a lease that does not expire: its holder gave it up."""
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
        """Return whether a key holds leases, and no items."""
        return key in self._deadlines or key in self.stamps or key in self._learned.deadlines

    def _holder(self, act: StepContext, item: Item, token: bytes = b"") -> Delivery | None:
        """Return this worker's delivery of the item, else one that is over, or the last one."""
        own_deliveries = [delivery for delivery in item.held if delivery.worker == act.worker]
        if own_deliveries:
            same_token = [
                delivery for delivery in own_deliveries if token and delivery.token == token
            ]
            same_connection = [
                delivery for delivery in own_deliveries if delivery.connection == act.connection
            ]
            return (same_token or same_connection or own_deliveries)[-1]
        ended = [
            delivery
            for delivery in item.held
            if delivery.returned or _is_over(delivery, act.moment)
        ]
        owners = ended or item.held
        return owners[-1] if owners else None

    def _apply_end(self, act: StepContext, about: About, place: Place, until: float) -> None:
        """Apply the end of an item's lease from a number: it is leased from now on, or no more."""
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
        """Record a lease of the holder, known by its address or the token, or of another worker."""
        item, held = about.item, about.held
        if held is None:
            held = self._claimed_by_lease(act, item)
            if held is None:
                return
        elif not held.new and (held.returned or not _is_holder(act, held, token)):
            if self._is_late(act, item):
                return
            previous = held
            held = self._ledger.take_over(act, previous, previous.places)
            if self._ledger.tokens.get(previous.token) is previous:  # it lies under the same id
                self._ledger.name(held, previous.token)
        held.token = token or held.token
        self._record_end(act, held, place, until)

    def _record_end(
        self, act: StepContext, held: Delivery, place: Place, until: float, at: float | None = None
    ) -> None:
        """Record the end of a lease; of several on one item, the first that ends counts."""
        self._seen = True
        self._at[place] = held
        held.sources[place], held.dropped = until, None
        ends = [end for end in held.sources.values() if end > act.moment]
        first = min(ends, default=until)
        if first != held.until or until == first:
            self._ledger.lease(act, held, first, at)

    def _is_late(self, act: StepContext, item: Item) -> bool:
        """Return whether a worker only renews a lease on an equal item that is done.

        With several equal items, it is unknown which of them the renewal is about. With a single
        item, the worker takes over the item of another one.
        """
        return item.enqueued > 1 and act.worker in item.had

    def _claimed_by_lease(self, act: StepContext, item: Item) -> Delivery | None:
        """Deliver a ready item because of a lease: the lease claims it where it lies."""
        ready = (self._queue, b"") in self._places.of(item.value)
        if not ready or item.value in act.fresh:
            return None
        return self._ledger.deliver(act, item, [], in_place=True)


def _lives(held: Delivery) -> bool:
    return held in held.item.held


def _is_over(held: Delivery, now: float) -> bool:
    return held.until is not None and held.until < now


def _is_part(score: float, item: Item) -> bool:
    """Return whether a number is one of the item's own, such as its id or its price."""
    return score.is_integer() and b"%d" % int(score) in item.value


def _is_too_late(act: StepContext, held: Delivery | None) -> bool:
    """Return whether it is too late for a first lease: a later key is, for example, a result."""
    is_own = held is not None and held.worker == act.worker
    return held is not None and is_own and not held.leased and held.commands > _SOON


def _is_holder(act: StepContext, held: Delivery, token: bytes) -> bool:
    """Return whether this worker already has the item; a new container of its pod does not."""
    if held.worker != act.worker:
        return False
    over = held.until is None or held.until < act.moment
    if held.leased and over and act.brings(held.item.value):
        return False  # the worker received it again, possibly under the same id
    if token and held.token and token != held.token:
        # Another text renews the worker's own lease; after that lease's end it is another claim.
        return held.connection == act.connection and not over
    if token and held.token:
        return True
    return held.connection == act.connection or not (held.leased and over)


def unasked(effect: Words) -> Iterable[Place]:
    """Return the places that an effect removes: keys, or fields of a hash."""
    if name(effect) in (b"DEL", b"UNLINK"):
        return [(key, b"") for key in effect[1:]]
    return [(effect[1], field) for field in effect[2:]] if name(effect) == b"HDEL" else []
