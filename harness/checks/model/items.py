"""Items: when each was enqueued, attempted and settled, and where the drain found it."""

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

#: The end of an attempt: its own settlement; a return; another worker put it back or took it; a new
#: delivery; a lost connection (if that ends it); settled by another worker; or none yet.
Ending = Literal["settled", "returned", "reclaimed", "redelivered", "lost", "elsewhere", "open"]

Where = Literal["ready", "leased", "unacked", "dead"]


class Settlement(msgspec.Struct, frozen=True):
    """An item was settled, and the settlement took effect.

    `ref.at` is when the worker sent it. If the harness held it, the broker received it at `let_go`.
    If both times are equal then, the time when the worker sent it is unknown. `at_once`: it came
    with the delivery itself.
    """

    ref: EventRef
    how: Literal["acked", "dead", "refused", "expired"]
    worker: Worker | None
    at_once: bool = False
    hold: Hold | None = None
    let_go: float | None = None
    #: False: a worker that never had it removed it, and it did not come back.
    by_holder: bool = True

    @property
    def effect(self) -> float:
        """When the broker received it."""
        return self.ref.at if self.let_go is None else self.let_go


class WorkerStatement(msgspec.Struct, frozen=True):
    """A worker's log line about an item: it begins the work, or has finished it."""

    ref: EventRef
    item: Payload
    worker: Worker
    done: bool
    #: Its possible subject if it names no known item: see `harness.history.log_phrases`.
    guess: Guess = ""


class DigestStatement(msgspec.Struct, frozen=True):
    """A log line with the digest of the bytes that a worker works on."""

    ref: EventRef
    worker: Worker
    sha256: str


class Attempt(msgspec.Struct, frozen=True):
    """One worker had one item from its delivery on; `worker` is None if the owner is unknown."""

    item: Payload
    worker: Worker | None
    connection: int
    delivered: EventRef
    how: Ending
    #: The event that ended the attempt, and its time; None while it is open.
    ended: EventRef | None = None
    settled: Settlement | None = None
    #: Settlements without effect.
    void: tuple[EventRef, ...] = ()
    #: The length of its first lease, in seconds.
    lease: float | None = None
    started: EventRef | None = None
    done: EventRef | None = None
    #: The delivery's own name, if the broker or the worker has one for it.
    token: str = ""
    #: The end of the worker's last lease on it, in seconds since the start.
    until: float | None = None
    #: When it was free for others again: its worker returned it, or lost its connection.
    back: EventRef | None = None
    #: When another worker put it back or took it over, no matter what ended the attempt.
    taken: EventRef | None = None


class LeftoverItem(msgspec.Struct, frozen=True):
    """The place where the final drain found an item."""

    ref: EventRef
    queue: str
    where: Where


class ReadyInterval(msgspec.Struct, frozen=True):
    """An item was ready for any worker from `since` to `until` (None: to the end)."""

    since: EventRef
    until: float | None = None


class Item(msgspec.Struct, frozen=True):
    """All about one item.

    Equal payloads are one `Item`, with one entry in `enqueued` for each copy.
    """

    payload: Payload
    enqueued: tuple[EventRef, ...]
    attempts: tuple[Attempt, ...] = ()
    settled: tuple[Settlement, ...] = ()
    left: tuple[LeftoverItem, ...] = ()
    waits: tuple[ReadyInterval, ...] = ()

    @property
    def dead(self) -> bool:
        """Whether it was dead-lettered, as seen at that time or by the final drain."""
        return any(entry.how == "dead" for entry in self.settled) or any(
            entry.where == "dead" for entry in self.left
        )

    def put_before(self, moment: EventRef) -> int:
        """Return how many copies were enqueued before a moment, in the order of the events.

        The clock times are not used: a broker may deliver an item before any observer knows when it
        was enqueued.
        """
        return sum(event_ref.id < moment.id for event_ref in self.enqueued)

    @property
    def unsettled(self) -> int:
        """How many copies no worker has settled."""
        open_ = len(self.enqueued) - len(self.settled)
        if not self.left:
            return max(0, open_)
        set_aside = sum(entry.where == "dead" for entry in self.left)
        not_acked = sum(entry.how != "acked" for entry in self.settled)
        # An item can reach the dead-letter queue without any event on the wire.
        return max(0, open_ - max(0, set_aside - not_acked))


class ItemTable:
    """Collects the events of each item; they are interpreted once all owners are known."""

    def __init__(self) -> None:
        self.wire: dict[Payload, list[Event]] = {}
        self.lines: list[Event] = []
        self.queues: set[str] = set()
        # Any: each handler takes the types in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            ItemEnqueued: self._enqueued,
            ItemLeased: self._leased,
            **dict.fromkeys((ItemDelivered, ItemSettled, ItemReturned), self._keep),
            **dict.fromkeys((ItemReclaimed, ItemLeft, LeaseExpired), self._keep),
            **dict.fromkeys((ItemStarted, ItemDone), self._keep_line),
        }

    def _enqueued(self, event: Event, what: ItemEnqueued) -> None:
        self.queues.add(what.queue)
        self._keep(event, what)

    def _keep(self, event: Event, what: Any) -> None:
        self.wire.setdefault(what.item, []).append(event)

    def _leased(self, event: Event, what: ItemLeased) -> None:
        events = self.wire.setdefault(what.item, [])
        latest = [observation.what for observation in events[-2:]]
        # Renewals may be many: the first and the last one contain all information.
        if len(latest) > 1 and all(
            isinstance(observation, ItemLeased) and observation.connection == what.connection
            for observation in latest
        ):
            events[-1] = event
        else:
            events.append(event)

    def _keep_line(self, event: Event, what: ItemStarted | ItemDone) -> None:
        self.lines.append(event)
