"""Items, who has them, and the steps in which that changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.history import ItemSettled, Observation, Payload
from harness.patterns.fine.interpreter.keyspace.locations import Place
from harness.patterns.fine.interpreter.transcript.connections import ExecutedUnit
from harness.tap.content import found

#: A part of a key's name that may be an id.
ID_PART = re.compile(rb"[0-9A-Za-z-]+")

#: Commands of the same worker, and batches, within which what it took away may come back.
COMMANDS, BATCHES = 4, 4
#: Seconds after the end of its connection in which a worker may come back with another one; there
#: are no more batches when all connections are closed.
GONE = 0.25


@dataclass(slots=True, eq=False)
class Item:
    """An item, known by its bytes; equal ones are one `Item` that several may hold."""

    value: bytes
    payload: Payload
    held: list[Delivery] = field(default_factory=list)
    #: The last delivery that is over.
    last: Delivery | None = None
    #: How often it was enqueued, and delivered.
    enqueued: int = 0
    given: int = 0
    #: Workers who were given it at some time.
    had: set[str] = field(default_factory=set)
    #: Other bytes that carry it, or did.
    forms: dict[bytes, None] = field(default_factory=dict)
    #: Of these, ids: they name places where it can be read.
    ids: set[bytes] = field(default_factory=set)
    #: How often it was removed by one that never had it, and is not back.
    removed: int = 0

    def is_body(self, key: bytes) -> bool:
        """Whether a key is named after its id: there it can be read, whoever has it."""
        return bool(self.ids) and not self.ids.isdisjoint(ID_PART.findall(key))


@dataclass(slots=True, eq=False)
class Delivery:
    """A delivery that goes on: somebody has the item."""

    item: Item
    connection: int | None
    worker: str
    places: list[Place] = field(default_factory=list)
    token: bytes = b""
    #: The lease's end in seconds since 1970.
    until: float | None = None
    #: It had one at some time.
    leased: bool = False
    #: All that says until when it is its holder's (a key, a number), and what that says.
    sources: dict[Place, float] = field(default_factory=dict)
    #: When its holder has taken its own lease away, in seconds since the start.
    dropped: float | None = None
    #: Where it lies, too, without being held by that: deadlines, archives.
    extra: list[Place] = field(default_factory=list)
    #: Keys of these where it is in other bytes than its own.
    carried_to: set[bytes] = field(default_factory=set)
    #: It has not left the queue: a lease alone makes it somebody's.
    in_place: bool = False
    #: It lies where it lay, but its holder has given it back, or somebody has taken it from him.
    returned: bool = False
    #: It has not yet come out as an event.
    new: bool = True
    #: Commands of its worker since.
    commands: int = 0
    #: Workers who have wanted to settle it in vain.
    refused: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class StepContext:
    """One step, as far as items are concerned: who, when (in seconds since the start), what."""

    at: float
    #: The same moment, in seconds since 1970.
    moment: float
    group: ExecutedUnit | None
    events: list[Observation | PendingSettlement] = field(default_factory=list)
    #: Deliveries of this step; they come out when all is known of them.
    new: list[Delivery] = field(default_factory=list)
    #: Items that it has enqueued.
    fresh: set[bytes] = field(default_factory=set)
    #: Keys that have run out with it, and that nobody has deleted.
    expired: set[bytes] = field(default_factory=set)
    #: What this step was for, for those who learn.
    settled: bool = False
    gave_back: bool = False
    renewed: bool = False

    @property
    def end(self) -> float:
        """When it was over, in seconds since 1970."""
        return self.moment if self.group is None else max(self.moment, self.group.end)

    @property
    def connection(self) -> int | None:
        return None if self.group is None else self.group.connection

    @property
    def worker(self) -> str:
        return "" if self.group is None else self.group.worker

    @property
    def outside(self) -> bool:
        """Somebody has done it who does not come through the tap: the harness."""
        return self.group is not None and self.group.talk is None

    def gone(self, moment: float) -> bool:
        """Whether at this moment (in seconds since 1970) its connection was closed long ago."""
        talk = None if self.group is None else self.group.talk
        return talk is None or (talk.closed is not None and talk.closed + GONE <= moment)

    def brings(self, value: bytes) -> bool:
        """Whether the answer brings an item, in any form that can be read."""
        brought = self.group.brought if self.group is not None else ()
        return value in brought or any(found(word, (value,)) for word in brought)

    def answer_has(self, value: bytes) -> bool | None:
        """Whether the answer brings these bytes; None when no answer came."""
        if self.group is None or self.group.asked is None or self.group.asked.answered is None:
            return None
        return value in self.group.brought


@dataclass(slots=True, eq=False)
class PendingSettlement:
    """Somebody has taken a claimed item away: the end of it, or the first half of giving it back.

    `what` is the event once it is `decided`, None if there is none.
    """

    held: Delivery
    act: StepContext
    what: ItemSettled | None
    commands: int = COMMANDS
    batches: int = BATCHES
    decided: bool = False
    #: Keys where it was set aside; that they expire, later commands may say.
    aside: set[bytes] = field(default_factory=set)
