"""Connections: whose they are, how long they lasted, when they were held."""

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

#: How far, in seconds, the moments of a release and of what it has let go may differ.
_AFTER_RELEASE = 0.25


class Hold(msgspec.Struct, frozen=True):
    """A time in which nothing went on in one direction; `point` is empty when just told to."""

    towards: Towards
    point: str
    held: EventRef
    released: EventRef | None = None
    #: The first settlement after its beginning, by its event: what it had caught, if released.
    caught: int | None = None


class Connection(msgspec.Struct, frozen=True):
    """One connection; `last` is the last moment at which something was seen of it."""

    number: int
    worker: Worker | None
    opened: EventRef | None
    #: Closed or cut, whatever came first; `cut` when the tap did it.
    closed: EventRef | None
    cut: bool
    last: float
    holds: tuple[Hold, ...] = ()
    #: Whence it came.
    address: str = ""

    def hold_of(self, settled: EventRef) -> Hold | None:
        """The hold that had caught what was recorded at `settled`, on its way to the broker."""
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
    """Takes in what is told of connections, in the order of the events."""

    def __init__(self) -> None:
        self._drafts: dict[int, _Draft] = {}
        self._owners: dict[int, Worker] = {}
        # Any: each handler takes the one kind that stands beside it.
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
        """Every connection by its number; the last owner named is the owner."""
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
