"""Items, their holders, and the steps in which the holders change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.history import ItemSettled, Observation, Payload
from harness.patterns.fine.interpreter.keyspace.locations import Place
from harness.patterns.fine.interpreter.transcript.connections import ExecutedUnit
from harness.tap.content import found

#: A part of a key's name that may be an id.
ID_PART = re.compile(rb"[0-9A-Za-z-]+")

#: Commands of the same worker, and batches, within which an item that it removed may come back.
COMMANDS, BATCHES = 4, 4
#: Seconds after its connection's end in which a worker may come back with another connection; there
#: are no more batches when all connections are closed.
GONE = 0.25


@dataclass(slots=True, eq=False)
class Item:
    """An item, known by its bytes; equal items are one `Item` that several workers may hold."""

    value: bytes
    payload: Payload
    held: list[Delivery] = field(default_factory=list)
    #: The last delivery that ended.
    last: Delivery | None = None
    #: How often it was enqueued, and delivered.
    enqueued: int = 0
    given: int = 0
    #: Workers that received it at some time.
    had: set[str] = field(default_factory=set)
    #: Other bytes that carry it, or did.
    forms: dict[bytes, None] = field(default_factory=dict)
    #: Those forms that are ids: they name places where it can be read.
    ids: set[bytes] = field(default_factory=set)
    #: How often a worker that never had it removed it, as long as it is not back.
    removed: int = 0

    def is_body(self, key: bytes) -> bool:
        """Return whether a key is named after the item's id.

        The item can be read in such a key, no matter which worker has it.
        """
        return bool(self.ids) and not self.ids.isdisjoint(ID_PART.findall(key))


@dataclass(slots=True, eq=False)
class Delivery:
    """A delivery that has not ended: a worker has the item."""

    item: Item
    connection: int | None
    worker: str
    places: list[Place] = field(default_factory=list)
    token: bytes = b""
    #: End of the lease, in seconds since 1970.
    until: float | None = None
    #: It had a lease at some time.
    leased: bool = False
    #: Every source (a key, a number) of the time until which it is its holder's → that time.
    sources: dict[Place, float] = field(default_factory=dict)
    #: When its holder removed its own lease, in seconds since the start.
    dropped: float | None = None
    #: Additional places of the item that do not make it held: deadlines, archives.
    extra: list[Place] = field(default_factory=list)
    #: Keys of `extra` where it is in other bytes than its own.
    carried_to: set[bytes] = field(default_factory=set)
    #: It has not left the queue: only a lease assigns it to a worker.
    in_place: bool = False
    #: It lies where it lay, but its holder returned it, or another worker took it over.
    returned: bool = False
    #: Its event was not emitted yet.
    new: bool = True
    #: Number of commands of its worker since the delivery.
    commands: int = 0
    #: Workers that tried to settle it too late.
    refused: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class StepContext:
    """One step, as far as items are concerned; `at` is in seconds since the start."""

    at: float
    #: The same moment, in seconds since 1970.
    moment: float
    group: ExecutedUnit | None
    events: list[Observation | PendingSettlement] = field(default_factory=list)
    #: Deliveries of this step; their events follow when all about them is known.
    new: list[Delivery] = field(default_factory=list)
    #: Items that it enqueued.
    fresh: set[bytes] = field(default_factory=set)
    #: Keys that expired with it: no command deleted them.
    expired: set[bytes] = field(default_factory=set)
    #: The purpose of this step, for the role learner.
    settled: bool = False
    gave_back: bool = False
    renewed: bool = False

    @property
    def end(self) -> float:
        """When the step was over, in seconds since 1970."""
        return self.moment if self.group is None else max(self.moment, self.group.end)

    @property
    def connection(self) -> int | None:
        return None if self.group is None else self.group.connection

    @property
    def worker(self) -> str:
        return "" if self.group is None else self.group.worker

    @property
    def outside(self) -> bool:
        """Whether the step does not come through the tap: the harness made it."""
        return self.group is not None and self.group.talk is None

    def gone(self, moment: float) -> bool:
        """Return whether its connection was closed long before a moment (in seconds since 1970)."""
        connection = None if self.group is None else self.group.talk
        return connection is None or (
            connection.closed is not None and connection.closed + GONE <= moment
        )

    def brings(self, value: bytes) -> bool:
        """Return whether the answer contains an item, in any form that can be read."""
        brought = self.group.brought if self.group is not None else ()
        return value in brought or any(found(word, (value,)) for word in brought)

    def answer_has(self, value: bytes) -> bool | None:
        """Return whether the answer contains exactly these bytes; None without an answer."""
        if self.group is None or self.group.asked is None or self.group.asked.answered is None:
            return None
        return value in self.group.brought


@dataclass(slots=True, eq=False)
class PendingSettlement:
    """A worker removed a claimed item: its settlement, or the first half of returning it.

    `what` is the event once it is `decided`, or None if there is none.
    """

    held: Delivery
    act: StepContext
    what: ItemSettled | None
    commands: int = COMMANDS
    batches: int = BATCHES
    decided: bool = False
    #: Keys where it was set aside; later commands may make them expire.
    aside: set[bytes] = field(default_factory=set)
