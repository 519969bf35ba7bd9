"""Items: how often each was sent, the attempts on it, how it was settled, where it was left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from harness.checks.model.connections import Hold
from harness.checks.model.event_ref import EventRef
from harness.history import (
    Event,
    Guess,
    ItemDelivered,
    ItemDone,
    ItemEnqueued,
    ItemLeased,
    ItemLeft,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    ItemStarted,
    LeaseExpired,
    Payload,
    Worker,
)

#: What ended an attempt: its own settlement; given back; put back or taken over by another; given
#: out again; its connection lost (where that ends it); the item settled by another. Or nothing.
Ending = Literal["settled", "returned", "reclaimed", "redelivered", "lost", "elsewhere", "open"]

Where = Literal["ready", "leased", "unacked", "dead"]


class Settlement(msgspec.Struct, frozen=True):
    """An item was settled, effectively.

    `mark.at` is when the worker said so. When that was held, the broker got it at `let_go`; where
    `mark.at` is the same, nobody knows when it was said. `at_once`: with the delivery itself.
    """

    ref: EventRef
    how: Literal["acked", "dead", "refused", "expired"]
    worker: Worker | None
    at_once: bool = False
    hold: Hold | None = None
    let_go: float | None = None
    #: False: it was removed by one that never had it, and did not come back.
    by_holder: bool = True

    @property
    def effect(self) -> float:
        """When the broker got it."""
        return self.ref.at if self.let_go is None else self.let_go


class WorkerStatement(msgspec.Struct, frozen=True):
    """What a worker said about an item: that it begins, or that it has finished."""

    ref: EventRef
    item: Payload
    worker: Worker
    done: bool
    #: What it may be about, where it names no item that was sent: `harness.history.log_phrases`.
    guess: Guess = ""


class DigestStatement(msgspec.Struct, frozen=True):
    """What bytes a worker says that it works on."""

    ref: EventRef
    worker: Worker
    sha256: str


class Attempt(msgspec.Struct, frozen=True):
    """One worker had one item, from its delivery on; `worker` is None while nobody knows whose."""

    item: Payload
    worker: Worker | None
    connection: int
    delivered: EventRef
    how: Ending
    #: By what, and when, the attempt ended; None while it is open.
    ended: EventRef | None = None
    settled: Settlement | None = None
    #: Settlements that took no effect.
    void: tuple[EventRef, ...] = ()
    #: Seconds of the first lease on it.
    lease: float | None = None
    started: EventRef | None = None
    done: EventRef | None = None
    #: Names this delivery, where the broker or the worker has a name for it.
    token: str = ""
    #: The end of the last lease that its worker had on it, in seconds since the start.
    until: float | None = None
    #: When others could have it, by its worker's word or by the loss of its connection.
    back: EventRef | None = None
    #: When another put it back or took it over, whatever ended it then.
    taken: EventRef | None = None


class LeftoverItem(msgspec.Struct, frozen=True):
    """Where the final drain has found an item."""

    ref: EventRef
    queue: str
    where: Where


class ReadyInterval(msgspec.Struct, frozen=True):
    """An item was there for whoever wants it, from `since` to `until` (None: for good)."""

    since: EventRef
    until: float | None = None


class Item(msgspec.Struct, frozen=True):
    """All about one item; equal payloads are one `Item`, with as many entries in `enqueued`."""

    payload: Payload
    enqueued: tuple[EventRef, ...]
    attempts: tuple[Attempt, ...] = ()
    settled: tuple[Settlement, ...] = ()
    left: tuple[LeftoverItem, ...] = ()
    waits: tuple[ReadyInterval, ...] = ()

    @property
    def dead(self) -> bool:
        """Set aside in a dead-letter place, as was seen then or at the end."""
        return any(one.how == "dead" for one in self.settled) or any(
            one.where == "dead" for one in self.left
        )

    def put_before(self, moment: EventRef) -> int:
        """How many had been put there, in the order in which all was seen.

        Not by the clock: what is put there may be given before anybody could say when that was.
        """
        return sum(one.id < moment.id for one in self.enqueued)

    @property
    def unsettled(self) -> int:
        """How many of them nobody has settled."""
        open_ = len(self.enqueued) - len(self.settled)
        if not self.left:
            return max(0, open_)
        set_aside = sum(one.where == "dead" for one in self.left)
        told = sum(one.how != "acked" for one in self.settled)
        # Who is found in the dead-letter place may have come there without a word on the wire.
        return max(0, open_ - max(0, set_aside - told))


class ItemTable:
    """Keeps, for each item, its events: they are made sense of once it is known who is who."""

    def __init__(self) -> None:
        self.wire: dict[Payload, list[Event]] = {}
        self.lines: list[Event] = []
        self.queues: set[str] = set()
        # Any: each handler takes the kinds that stand beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            ItemEnqueued: self._enqueued,
            ItemLeased: self._leased,
            **dict.fromkeys((ItemDelivered, ItemSettled, ItemReturned), self._keep),
            **dict.fromkeys((ItemReclaimed, ItemLeft, LeaseExpired), self._keep),
            **dict.fromkeys((ItemStarted, ItemDone), self._said),
        }

    def _enqueued(self, event: Event, what: ItemEnqueued) -> None:
        self.queues.add(what.queue)
        self._keep(event, what)

    def _keep(self, event: Event, what: Any) -> None:
        self.wire.setdefault(what.item, []).append(event)

    def _leased(self, event: Event, what: ItemLeased) -> None:
        events = self.wire.setdefault(what.item, [])
        lately = [one.what for one in events[-2:]]
        # Of renewals, of which there may be any number, the first and the last one tell all.
        if len(lately) > 1 and all(
            isinstance(one, ItemLeased) and one.connection == what.connection for one in lately
        ):
            events[-1] = event
        else:
            events.append(event)

    def _said(self, event: Event, what: ItemStarted | ItemDone) -> None:
        self.lines.append(event)
