"""From the events of one item to the attempts on it: who had it, from when until when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from harness.checks.model.connections import Connection
from harness.checks.model.event_ref import EventRef, ref
from harness.checks.model.items import (
    Attempt,
    Ending,
    Item,
    LeftoverItem,
    ReadyInterval,
    Settlement,
)
from harness.history import (
    Event,
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemLeft,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    LeaseExpired,
    Payload,
    Worker,
)

#: An acknowledgement on a connection that ended within so many seconds may not have arrived; and
#: what was delivered on it may be back, for its end is recorded when both sides have ended it.
_RISKY = 1.0
#: A lease that is over so many seconds before its time did not run out.
_EARLY = 0.01


class _OpenAttempt:
    """An attempt while it is read."""

    __slots__ = (
        "back",
        "connection",
        "delivered",
        "ended",
        "given_up",
        "how",
        "lease",
        "settled",
        "taken",
        "token",
        "until",
        "void",
        "worker",
    )

    def __init__(self, event: Event, what: ItemDelivered, worker: Worker | None) -> None:
        self.connection, self.worker, self.token = what.connection, worker, what.token
        self.delivered = ref(event)
        self.how: Ending = "open"
        self.ended: EventRef | None = None
        self.settled: Settlement | None = None
        self.void: list[EventRef] = []
        self.lease = None if what.until is None else what.until - self.delivered.at
        self.until = what.until
        #: Its worker has ended its own lease: whoever puts it back has its leave.
        self.given_up = False
        self.back: EventRef | None = None
        self.taken: EventRef | None = None

    @property
    def at_once(self) -> bool:
        return self.settled is not None and self.settled.at_once

    def attempt(self, item: Payload) -> Attempt:
        return Attempt(
            item,
            self.worker,
            self.connection,
            self.delivered,
            self.how,
            self.ended,
            self.settled,
            tuple(self.void),
            self.lease,
            token=self.token,
            until=self.until,
            back=self.back,
            taken=self.taken,
        )


class AttemptReader:
    """Reads the events of one item, in order, into an `Item`.

    `bound`: a lost connection gives back what was delivered on it (AMQP).
    """

    def __init__(
        self, payload: Payload, connections: Mapping[int, Connection], *, bound: bool
    ) -> None:
        self._payload, self._connections, self._bound = payload, connections, bound
        self._drafts: list[_OpenAttempt] = []
        self._open: list[_OpenAttempt] = []
        #: Settled, unless something shows that the broker did not follow.
        self._unsure: list[_OpenAttempt] = []
        self._latest: dict[int | Worker, _OpenAttempt] = {}
        self._settled: list[Settlement] = []
        #: Removed by one that never had it: settled, unless it comes back.
        self._removed: list[Settlement] = []
        self._enqueued: list[EventRef] = []
        self._left: list[LeftoverItem] = []
        self._there = 0
        #: How many came back, and were not delivered since.
        self._back = 0
        self._waiting: deque[EventRef] = deque()
        self._waits: list[ReadyInterval] = []
        #: Connections and tokens of all acknowledgements, sooner or later.
        self._acknowledged: set[tuple[int | None, str]] = set()
        # Any: each handler takes the one kind that stands beside it.
        self._on: dict[type, Callable[[Event, Any], None]] = {
            ItemEnqueued: self._enqueue,
            ItemDelivered: self._deliver,
            ItemLeased: self._lease,
            LeaseExpired: self._expire,
            ItemSettled: self._settle,
            ItemReturned: self._return,
            ItemReclaimed: self._reclaim,
            ItemLeft: self._leave,
        }

    def read(self, events: Sequence[Event]) -> Item:
        said = (event.what for event in events)
        self._acknowledged = {
            (what.connection, what.token) for what in said if isinstance(what, ItemSettled)
        }
        for event in events:
            self._on[type(event.what)](event, event.what)
        self._lose(None)
        return Item(
            self._payload,
            tuple(self._enqueued),
            tuple(draft.attempt(self._payload) for draft in self._drafts),
            tuple(self._settled),
            tuple(self._left),
            (*self._waits, *map(ReadyInterval, self._waiting)),
        )

    # -- what happens to it ------------------------------------------------------------------------

    def _enqueue(self, event: Event, what: ItemEnqueued) -> None:
        if what.connection is not None and self._removed:
            removal = self._back_after_removal()
            for draft in self._open[:1]:
                self._taken_over(draft, removal.ref)
            return
        self._enqueued.append(ref(event))
        self._waiting.append(ref(event))

    def _back_after_removal(self) -> Settlement:
        """Whoever removed it without having had it was about to give it back."""
        removal = self._removed.pop()
        self._settled = [one for one in self._settled if one is not removal]
        return removal

    def _deliver(self, event: Event, what: ItemDelivered) -> None:
        now = ref(event)
        if self._removed and self._remaining <= 0:
            self._back_after_removal()
        for draft in self._doubted(what, now):
            self._reopen(draft)
        self._lose(now)
        if self._open and len(self._open) >= max(1, self._remaining):
            if self._bound and what.redelivered:  # the broker has heard of the end before us
                self._open[0].back = now
            self._end(self._open[0], "redelivered", now)
        elif self._waiting:
            self._waits.append(ReadyInterval(self._waiting.popleft(), now.at))
        draft = _OpenAttempt(event, what, self._worker(what.connection))
        self._drafts.append(draft)
        self._open.append(draft)
        self._latest[what.connection] = draft
        if draft.worker is not None:
            self._latest[draft.worker] = draft
        if what.final:
            self._close(draft, Settlement(draft.delivered, "acked", draft.worker, at_once=True))

    def _lease(self, event: Event, what: ItemLeased) -> None:
        draft = self._find(what.connection, "", lambda one: one.how == "open" or one.at_once)
        if draft is None:
            return
        if draft.at_once:  # it was claimed in two steps, of which this is the second
            self._reopen(draft)
        if draft.lease is None:
            draft.lease = what.until - ref(event).at
        draft.until, draft.given_up = what.until, False

    def _expire(self, event: Event, what: LeaseExpired) -> None:
        """Its lease is over, perhaps earlier than it was to be: its holder has ended it."""
        leased = [one for one in self._open if one.until is not None]
        for draft in ([one for one in leased if one.token == what.token] or leased)[:1]:
            until, now = draft.until or 0.0, ref(event).at
            draft.until, draft.given_up = min(until, now), now < until - _EARLY

    def _settle(self, event: Event, what: ItemSettled) -> None:
        settlement = self._settlement(event, what)
        if not what.by_holder:
            settlement = msgspec.structs.replace(settlement, by_holder=False)
            self._removed.append(settlement)
            self._settled.append(settlement)
            return
        draft = self._find(what.connection, what.token, lambda one: one.how == "open")
        if draft is None and what.how == "acked":  # whoever had it before says so, too late
            draft = self._find(what.connection, what.token, lambda one: one.settled is None)
        if what.effective is False:
            if draft is not None:
                draft.void.append(settlement.ref)
            return
        if draft is None:
            self._settled.append(settlement)
        else:
            self._close(draft, settlement)
            if what.effective is None and self._risky(draft, settlement):
                self._unsure.append(draft)
        if self._remaining <= 0:
            for other in list(self._open):
                self._end(other, "elsewhere", settlement.ref)
            self._waits += [ReadyInterval(since, settlement.effect) for since in self._waiting]
            self._waiting.clear()

    def _return(self, event: Event, what: ItemReturned) -> None:
        draft = self._find(
            what.connection,
            what.token,
            lambda one: one.how == "open" or one.at_once or one in self._unsure,
        )
        if draft is None and self._open and what.connection is None:
            draft = self._open[0]
        if draft is not None:
            if draft.settled is not None:
                self._reopen(draft)
            self._end(draft, "returned", ref(event))
            draft.back = ref(event)
            self._came_back(ref(event))
        elif before := self._predecessors(what.connection):
            self._taken_over(before, ref(event))

    def _reclaim(self, event: Event, what: ItemReclaimed) -> None:
        """Of equal ones it is the one that is named, or else one whose lease is over."""
        now = ref(event)
        named = [one for one in self._open if what.token and one.token == what.token]
        others = [one for one in self._open if one.connection != what.connection] or self._open
        over = [one for one in others if one.until is not None and one.until <= now.at]
        for draft in (named or over or others)[:1]:
            self._taken_over(draft, now)

    def _leave(self, event: Event, what: ItemLeft) -> None:
        self._lose(ref(event))
        if what.where == "dead" and self._waiting:
            # Its queue has set it aside when it came back: since then it waits for nobody.
            self._waiting.pop()
        self._left.append(LeftoverItem(ref(event), what.queue, what.where))
        self._there += what.where != "dead"
        if self._unsure and self._there > self._remaining:
            self._reopen(self._unsure[-1])

    def _doubted(self, what: ItemDelivered, now: EventRef) -> list[_OpenAttempt]:
        """Those whose settlement this delivery shows not to have arrived."""
        if len(self._enqueued) == 1:
            return list(self._unsure)
        if not what.redelivered:
            return []
        # Of equal ones it is any that came back; only if none did, one that was settled did.
        self._lose(now)
        if not self._back and (draft := self._about_to_be_lost(what.connection, now)):
            draft.back = now
            self._end(draft, "redelivered", now)
            self._came_back(now)
        if self._back:
            self._back -= 1
            return []
        return self._unsure[:1]

    # -- the attempts ------------------------------------------------------------------------------

    @property
    def _remaining(self) -> int:
        return len(self._enqueued) - len(self._settled)

    def _end(self, draft: _OpenAttempt, how: Ending, ended: EventRef) -> None:
        draft.how, draft.ended = how, ended
        if draft in self._open:
            self._open.remove(draft)

    def _taken_over(self, draft: _OpenAttempt, now: EventRef) -> None:
        """Another puts it back, or takes it: with its worker's leave, or without."""
        self._end(draft, "returned" if draft.given_up else "reclaimed", now)
        draft.taken = now
        self._came_back(now)

    def _close(self, draft: _OpenAttempt, settlement: Settlement) -> None:
        draft.settled = settlement
        self._settled.append(settlement)
        self._end(draft, "settled", EventRef(settlement.ref.id, settlement.effect))

    def _reopen(self, draft: _OpenAttempt) -> None:
        """What looked like its settlement was none."""
        if draft.settled is not None:
            place = next(
                index
                for index in range(len(self._settled) - 1, -1, -1)
                if self._settled[index] is draft.settled
            )
            del self._settled[place]
            if not draft.settled.at_once:
                draft.void.append(draft.settled.ref)
        if draft in self._unsure:
            self._unsure.remove(draft)
        draft.settled, draft.how, draft.ended = None, "open", None
        self._open.append(draft)

    def _lose(self, before: EventRef | None) -> None:
        """Where connections hold items: end what hung on those that had ended `before`."""
        for draft in list(self._open) if self._bound else ():
            connection = self._connections.get(draft.connection)
            closed = connection.closed if connection else None
            if closed and (before is None or closed.at <= before.at):
                self._end(draft, "lost", closed)
                draft.back = closed
                self._came_back(closed)

    def _about_to_be_lost(self, connection: int, now: EventRef) -> _OpenAttempt | None:
        """One whose connection ends soon: the broker knew it earlier, by its client's farewell."""
        return next(
            (
                draft
                for draft in (self._open if self._bound else ())
                if draft.connection != connection
                and (draft.connection, draft.token) not in self._acknowledged
                and self._ends_soon(draft, now.at)
            ),
            None,
        )

    def _came_back(self, now: EventRef) -> None:
        self._back += 1
        self._waiting.append(now)

    def _risky(self, draft: _OpenAttempt, settlement: Settlement) -> bool:
        """May the broker not have followed? Of a single item, a second delivery will tell."""
        return self._ends_soon(draft, settlement.effect) or len(self._enqueued) == 1

    def _ends_soon(self, draft: _OpenAttempt, after: float) -> bool:
        connection = self._connections.get(draft.connection)
        closed = connection.closed if connection else None
        return closed is not None and closed.at - after < _RISKY

    # -- whose it is -------------------------------------------------------------------------------

    def _worker(self, connection: int | None) -> Worker | None:
        known = None if connection is None else self._connections.get(connection)
        return known.worker if known else None

    def _predecessors(self, connection: int | None) -> _OpenAttempt | None:
        """What an earlier run of this worker's container has.

        Their address is the same, and is all that the wire tells: what looks given back is taken
        over.
        """
        worker = self._worker(connection)
        return next(
            (
                one
                for one in self._open
                if worker and one.worker and one.worker.pod == worker.pod and one.worker != worker
            ),
            None,
        )

    def _find(
        self, connection: int | None, token: str, fits: Callable[[_OpenAttempt], bool]
    ) -> _OpenAttempt | None:
        """The latest attempt that is this connection's; else the latest of the same worker."""
        if connection is None:
            return None
        if len(self._open) == 1 and self._open[0].connection == connection and fits(self._open[0]):
            return self._open[0]  # as it is nearly always
        worker = self._worker(connection)
        pool = [*reversed(self._open), *reversed(self._unsure)]
        for key in (connection, worker):
            if key is not None and key in self._latest:
                pool.append(self._latest[key])
        fitting = [one for one in pool if fits(one)]
        same = [one for one in fitting if one.connection == connection]
        exact = [one for one in same if token and one.token == token]
        theirs = [one for one in fitting if worker is not None and one.worker == worker]
        return next(iter([*exact, *same, *theirs]), None)

    def _settlement(self, event: Event, what: ItemSettled) -> Settlement:
        now, worker = ref(event), self._worker(what.connection)
        known = None if what.connection is None else self._connections.get(what.connection)
        hold = known.hold_of(now) if known else None
        if hold is None:
            return Settlement(now, what.how, worker)
        known_when = hold.point and hold.caught == now.id
        said = EventRef(now.id, hold.held.at if known_when else now.at)
        return Settlement(said, what.how, worker, hold=hold, let_go=now.at)
