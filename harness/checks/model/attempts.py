"""Build the attempts on an item from its events: which worker had it, and when."""

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

#: Seconds before the end of a connection in which an acknowledgement may get lost, and a delivery
#: may be back already: the end is recorded only when both sides have closed.
_RISKY_SECONDS = 1.0
#: A lease that ended so many seconds before its time did not expire.
_EARLY_SECONDS = 0.01


class _OpenAttempt:
    """A mutable attempt, while its events are read."""

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
        #: Its worker ended its own lease: any other worker may put the item back.
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
        #: Settled, unless a later event shows that the broker did not process it.
        self._unconfirmed: list[_OpenAttempt] = []
        self._latest: dict[int | Worker, _OpenAttempt] = {}
        self._settled: list[Settlement] = []
        #: Removed by a worker that never had it: settled, unless it comes back.
        self._removed: list[Settlement] = []
        self._enqueued: list[EventRef] = []
        self._leftovers: list[LeftoverItem] = []
        self._leftover_count = 0
        #: How many came back and were not delivered again since.
        self._returned_count = 0
        self._ready_since: deque[EventRef] = deque()
        self._ready_intervals: list[ReadyInterval] = []
        #: Connections and tokens of all acknowledgements in the history, also later ones.
        self._acknowledged: set[tuple[int | None, str]] = set()
        # Any: each handler takes the one type in the same row.
        self._handlers: dict[type, Callable[[Event, Any], None]] = {
            ItemEnqueued: self._enqueue,
            ItemDelivered: self._deliver,
            ItemLeased: self._lease,
            LeaseExpired: self._expire,
            ItemSettled: self._settle,
            ItemReturned: self._return,
            ItemReclaimed: self._reclaim,
            ItemLeft: self._record_leftover,
        }

    def read(self, events: Sequence[Event]) -> Item:
        observations = (event.what for event in events)
        self._acknowledged = {
            (observation.connection, observation.token)
            for observation in observations
            if isinstance(observation, ItemSettled)
        }
        for event in events:
            self._handlers[type(event.what)](event, event.what)
        self._lose(None)
        return Item(
            self._payload,
            tuple(self._enqueued),
            tuple(draft.attempt(self._payload) for draft in self._drafts),
            tuple(self._settled),
            tuple(self._leftovers),
            (*self._ready_intervals, *map(ReadyInterval, self._ready_since)),
        )

    # -- events of the item ------------------------------------------------------------------------

    def _enqueue(self, event: Event, what: ItemEnqueued) -> None:
        if what.connection is not None and self._removed:
            removal = self._back_after_removal()
            for draft in self._open[:1]:
                self._taken_over(draft, removal.ref)
            return
        self._enqueued.append(ref(event))
        self._ready_since.append(ref(event))

    def _back_after_removal(self) -> Settlement:
        """Undo a removal: the worker without a delivery was about to put the item back."""
        removal = self._removed.pop()
        self._settled = [settlement for settlement in self._settled if settlement is not removal]
        return removal

    def _deliver(self, event: Event, what: ItemDelivered) -> None:
        now = ref(event)
        if self._removed and self._remaining <= 0:
            self._back_after_removal()
        for draft in self._disproved(what, now):
            self._reopen(draft)
        self._lose(now)
        if self._open and len(self._open) >= max(1, self._remaining):
            if self._bound and what.redelivered:  # the broker saw the end before the harness
                self._open[0].back = now
            self._end(self._open[0], "redelivered", now)
        elif self._ready_since:
            self._ready_intervals.append(ReadyInterval(self._ready_since.popleft(), now.at))
        draft = _OpenAttempt(event, what, self._worker(what.connection))
        self._drafts.append(draft)
        self._open.append(draft)
        self._latest[what.connection] = draft
        if draft.worker is not None:
            self._latest[draft.worker] = draft
        if what.final:
            self._close(draft, Settlement(draft.delivered, "acked", draft.worker, at_once=True))

    def _lease(self, event: Event, what: ItemLeased) -> None:
        draft = self._find(
            what.connection, "", lambda candidate: candidate.how == "open" or candidate.at_once
        )
        if draft is None:
            return
        if draft.at_once:  # it was claimed in two steps, and this is the second
            self._reopen(draft)
        if draft.lease is None:
            draft.lease = what.until - ref(event).at
        draft.until, draft.given_up = what.until, False

    def _expire(self, event: Event, what: LeaseExpired) -> None:
        """Record the end of a lease. If it is early, the holder has ended its own lease."""
        leased = [attempt for attempt in self._open if attempt.until is not None]
        for draft in ([attempt for attempt in leased if attempt.token == what.token] or leased)[:1]:
            until, now = draft.until or 0.0, ref(event).at
            draft.until, draft.given_up = min(until, now), now < until - _EARLY_SECONDS

    def _settle(self, event: Event, what: ItemSettled) -> None:
        settlement = self._settlement(event, what)
        if not what.by_holder:
            settlement = msgspec.structs.replace(settlement, by_holder=False)
            self._removed.append(settlement)
            self._settled.append(settlement)
            return
        draft = self._find(what.connection, what.token, lambda candidate: candidate.how == "open")
        if draft is None and what.how == "acked":  # a late acknowledgement by an earlier holder
            draft = self._find(
                what.connection, what.token, lambda candidate: candidate.settled is None
            )
        if what.effective is False:
            if draft is not None:
                draft.void.append(settlement.ref)
            return
        if draft is None:
            self._settled.append(settlement)
        else:
            self._close(draft, settlement)
            if what.effective is None and self._risky(draft, settlement):
                self._unconfirmed.append(draft)
        if self._remaining <= 0:
            for other in list(self._open):
                self._end(other, "elsewhere", settlement.ref)
            self._ready_intervals += [
                ReadyInterval(since, settlement.effect) for since in self._ready_since
            ]
            self._ready_since.clear()

    def _return(self, event: Event, what: ItemReturned) -> None:
        draft = self._find(
            what.connection,
            what.token,
            lambda candidate: (
                candidate.how == "open" or candidate.at_once or candidate in self._unconfirmed
            ),
        )
        if draft is None and self._open and what.connection is None:
            draft = self._open[0]
        if draft is not None:
            if draft.settled is not None:
                self._reopen(draft)
            self._end(draft, "returned", ref(event))
            draft.back = ref(event)
            self._came_back(ref(event))
        elif predecessor := self._predecessor_attempt(what.connection):
            self._taken_over(predecessor, ref(event))

    def _reclaim(self, event: Event, what: ItemReclaimed) -> None:
        """Record that another worker took the item over.

        With equal items it is the attempt that the event names, or else one whose lease is over.
        """
        now = ref(event)
        named = [attempt for attempt in self._open if what.token and attempt.token == what.token]
        others = [
            attempt for attempt in self._open if attempt.connection != what.connection
        ] or self._open
        expired = [
            attempt for attempt in others if attempt.until is not None and attempt.until <= now.at
        ]
        for draft in (named or expired or others)[:1]:
            self._taken_over(draft, now)

    def _record_leftover(self, event: Event, what: ItemLeft) -> None:
        self._lose(ref(event))
        if what.where == "dead" and self._ready_since:
            # Its queue dead-lettered it when it came back: since then no worker can get it.
            self._ready_since.pop()
        self._leftovers.append(LeftoverItem(ref(event), what.queue, what.where))
        self._leftover_count += what.where != "dead"
        if self._unconfirmed and self._leftover_count > self._remaining:
            self._reopen(self._unconfirmed[-1])

    def _disproved(self, what: ItemDelivered, now: EventRef) -> list[_OpenAttempt]:
        """Return the attempts whose settlement did not arrive, as this delivery shows."""
        if len(self._enqueued) == 1:
            return list(self._unconfirmed)
        if not what.redelivered:
            return []
        # Any equal item that came back may be this one; only if none did, a settled one came back.
        self._lose(now)
        if not self._returned_count and (draft := self._about_to_be_lost(what.connection, now)):
            draft.back = now
            self._end(draft, "redelivered", now)
            self._came_back(now)
        if self._returned_count:
            self._returned_count -= 1
            return []
        return self._unconfirmed[:1]

    # -- the attempts ------------------------------------------------------------------------------

    @property
    def _remaining(self) -> int:
        return len(self._enqueued) - len(self._settled)

    def _end(self, draft: _OpenAttempt, how: Ending, ended: EventRef) -> None:
        draft.how, draft.ended = how, ended
        if draft in self._open:
            self._open.remove(draft)

    def _taken_over(self, draft: _OpenAttempt, now: EventRef) -> None:
        """Record that another worker put it back or took it, with the holder's consent or not."""
        self._end(draft, "returned" if draft.given_up else "reclaimed", now)
        draft.taken = now
        self._came_back(now)

    def _close(self, draft: _OpenAttempt, settlement: Settlement) -> None:
        draft.settled = settlement
        self._settled.append(settlement)
        self._end(draft, "settled", EventRef(settlement.ref.id, settlement.effect))

    def _reopen(self, draft: _OpenAttempt) -> None:
        """Undo an apparent settlement of an attempt."""
        if draft.settled is not None:
            position = next(
                index
                for index in range(len(self._settled) - 1, -1, -1)
                if self._settled[index] is draft.settled
            )
            del self._settled[position]
            if not draft.settled.at_once:
                draft.void.append(draft.settled.ref)
        if draft in self._unconfirmed:
            self._unconfirmed.remove(draft)
        draft.settled, draft.how, draft.ended = None, "open", None
        self._open.append(draft)

    def _lose(self, before: EventRef | None) -> None:
        """If connections hold items: end the attempts whose connection closed `before` then."""
        for draft in list(self._open) if self._bound else ():
            connection = self._connections.get(draft.connection)
            closed = connection.closed if connection else None
            if closed and (before is None or closed.at <= before.at):
                self._end(draft, "lost", closed)
                draft.back = closed
                self._came_back(closed)

    def _about_to_be_lost(self, connection: int, now: EventRef) -> _OpenAttempt | None:
        """Return an attempt whose connection closes soon.

        The broker knew of the end earlier, from the close message of its client.
        """
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
        self._returned_count += 1
        self._ready_since.append(now)

    def _risky(self, draft: _OpenAttempt, settlement: Settlement) -> bool:
        """Return whether the broker may not have processed a settlement.

        For a single item, a second delivery will show it.
        """
        return self._ends_soon(draft, settlement.effect) or len(self._enqueued) == 1

    def _ends_soon(self, draft: _OpenAttempt, after: float) -> bool:
        connection = self._connections.get(draft.connection)
        closed = connection.closed if connection else None
        return closed is not None and closed.at - after < _RISKY_SECONDS

    # -- owners ------------------------------------------------------------------------------------

    def _worker(self, connection: int | None) -> Worker | None:
        known = None if connection is None else self._connections.get(connection)
        return known.worker if known else None

    def _predecessor_attempt(self, connection: int | None) -> _OpenAttempt | None:
        """Return an attempt of an earlier run of this worker's container.

        Both runs have the same address, and the wire shows no more. So what appears to be a return
        is a takeover.
        """
        worker = self._worker(connection)
        return next(
            (
                attempt
                for attempt in self._open
                if worker
                and attempt.worker
                and attempt.worker.pod == worker.pod
                and attempt.worker != worker
            ),
            None,
        )

    def _find(
        self, connection: int | None, token: str, fits: Callable[[_OpenAttempt], bool]
    ) -> _OpenAttempt | None:
        """Return the latest attempt on this connection, else the latest of the same worker."""
        if connection is None:
            return None
        if len(self._open) == 1 and self._open[0].connection == connection and fits(self._open[0]):
            return self._open[0]  # the usual case
        worker = self._worker(connection)
        pool = [*reversed(self._open), *reversed(self._unconfirmed)]
        for key in (connection, worker):
            if key is not None and key in self._latest:
                pool.append(self._latest[key])
        fitting = [attempt for attempt in pool if fits(attempt)]
        same_connection = [attempt for attempt in fitting if attempt.connection == connection]
        exact = [attempt for attempt in same_connection if token and attempt.token == token]
        same_worker = [
            attempt for attempt in fitting if worker is not None and attempt.worker == worker
        ]
        return next(iter([*exact, *same_connection, *same_worker]), None)

    def _settlement(self, event: Event, what: ItemSettled) -> Settlement:
        now, worker = ref(event), self._worker(what.connection)
        known = None if what.connection is None else self._connections.get(what.connection)
        hold = known.hold_of(now) if known else None
        if hold is None:
            return Settlement(now, what.how, worker)
        known_when = hold.point and hold.caught == now.id
        sent = EventRef(now.id, hold.held.at if known_when else now.at)
        return Settlement(sent, what.how, worker, hold=hold, let_go=now.at)
