"""Connections: their owners, their lifetimes, and when the harness held them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from harness.checks.model.event_ref import EventRef, ref
from harness.history import (
    AskedForItem,
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionOwner,
    ConnectionReleased,
    Event,
    FoundEmpty,
    ItemDelivered,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    Towards,
    Worker,
)

#: Seconds by which a release and the released message may differ in time.
_AFTER_RELEASE = 0.25


class Hold(msgspec.Struct, frozen=True):
    """A time in which the harness passed nothing on in one direction.

    `point` is the breakpoint; it is empty if the harness held the connection on command.
    """

    towards: Towards
    point: str
    held: EventRef
    released: EventRef | None = None
    #: Event id of the first settlement after its start: the delayed message, if released.
    caught: int | None = None


class Connection(msgspec.Struct, frozen=True):
    """One connection; `last` is the time of its last event."""

    number: int
    worker: Worker | None
    opened: EventRef | None
    #: Closed or cut, whichever came first; `cut` if the tap did it.
    closed: EventRef | None
    cut: bool
    last: float
    holds: tuple[Hold, ...] = ()
    #: The client's address.
    address: str = ""

    def hold_of(self, settled: EventRef) -> Hold | None:
        """Return the hold that delayed the message recorded at `settled`, towards the broker."""
        for hold in reversed(self.holds):
            if hold.towards == "broker" and hold.released and hold.held.at < settled.at:
                near = abs(settled.at - hold.released.at) <= _AFTER_RELEASE
                return hold if near else None
        return None


class _Draft:
    __slots__ = ("address", "closed", "cut", "holds", "last", "opened")

    def __init__(self) -> None:
        self.address = ""
        self.opened: EventRef | None = None
        self.closed: EventRef | None = None
        self.cut = False
        self.last = 0.0
        self.holds: list[Hold] = []


class ConnectionTable:
    """Collects the events of connections, in order."""

    def __init__(self) -> None:
        self._drafts: dict[int, _Draft] = {}
        self._owners: dict[int, Worker] = {}
        # Any: each handler takes the one type in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            ConnectionOpened: self._opened,
            ConnectionOwner: self._owned,
            ConnectionHeld: self._held,
            ConnectionReleased: self._released,
            ConnectionCut: self._closed,
            ConnectionClosed: self._closed,
            **dict.fromkeys(
                (AskedForItem, FoundEmpty, ItemDelivered, ItemLeased, ItemReclaimed), self._active
            ),
            ItemReturned: self._active,
            ItemSettled: self._settled,
        }

    def all(self) -> dict[int, Connection]:
        """Return every connection by its number; the last reported owner is the owner."""
        numbers: Iterable[int] = self._drafts.keys() | self._owners.keys()
        return {number: self._connection(number) for number in sorted(numbers)}

    def _connection(self, number: int) -> Connection:
        draft = self._drafts.get(number) or _Draft()
        return Connection(
            number,
            self._owners.get(number),
            draft.opened,
            draft.closed,
            draft.cut,
            draft.last,
            tuple(draft.holds),
            draft.address,
        )

    def _draft(self, number: int) -> _Draft:
        draft = self._drafts.get(number)
        if draft is None:
            draft = self._drafts[number] = _Draft()
        return draft

    def _opened(self, event: Event, what: ConnectionOpened) -> None:
        draft = self._draft(what.connection)
        draft.opened, draft.address = ref(event), what.address
        draft.last = max(draft.last, draft.opened.at)

    def _owned(self, event: Event, what: ConnectionOwner) -> None:
        self._owners[what.connection] = what.worker

    def _held(self, event: Event, what: ConnectionHeld) -> None:
        self._draft(what.connection).holds.append(Hold(what.towards, what.point, ref(event)))

    def _released(self, event: Event, what: ConnectionReleased) -> None:
        holds = self._draft(what.connection).holds
        for index, hold in enumerate(holds):
            if hold.towards == what.towards and hold.released is None:
                holds[index] = msgspec.structs.replace(hold, released=ref(event))

    def _closed(self, event: Event, what: ConnectionClosed | ConnectionCut) -> None:
        draft = self._draft(what.connection)
        if draft.closed is None:
            draft.closed = ref(event)
            draft.cut = isinstance(what, ConnectionCut) or what.by == "tap"

    def _settled(self, event: Event, what: ItemSettled) -> None:
        self._active(event, what)
        draft = None if what.connection is None else self._drafts[what.connection]
        if draft is None or not draft.holds:
            return
        hold, now = draft.holds[-1], ref(event)
        if hold.caught is None and hold.towards == "broker" and hold.held.at < now.at:
            draft.holds[-1] = msgspec.structs.replace(hold, caught=event.id)

    def _active(self, event: Event, what: Any) -> None:
        if what.connection is not None:
            draft = self._draft(what.connection)
            draft.last = max(draft.last, event.time if what.at is None else what.at)
