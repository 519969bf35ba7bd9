"""The first line of a history: what the run was to be, and by which bounds it is judged."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from harness.history.base import Count, Record, Seconds
from harness.history.payload import Payload

#: Raised with every change that a reader of another version would stumble over.
SCHEMA = 1
#: How often an item may be tried that kills its worker, unless the user says otherwise.
MAX_ATTEMPTS = 5


#: How often something is said of items that were settled; empty where nobody has learned it.
Habit = Literal["", "always", "mostly", "seldom", "never"]


class Figures(Record, frozen=True):
    """What the fault-free run of the same worker showed, in seconds; None where nothing did."""

    #: From a delivery to the end of the work on it, also where it had to wait for others.
    work: Seconds | None = None
    #: What one item takes of its worker's time, from the end of the one before.
    pace: Seconds | None = None
    lease: Seconds | None = None
    pod_start: Seconds | None = None
    #: Whether every start in the logs was one of a delivered item; None when there was no start.
    starts_matched: bool | None = None
    #: Whether items were settled after the end of the work on them; None when nothing showed it.
    settles_after_work: bool | None = None
    #: How often it says that it begins an item, and that it has finished one.
    starts_told: Habit = ""
    ends_told: Habit = ""
    #: Whether its lines come as they are said; None where nothing tells.
    log_live: bool | None = None
    #: Whether its end lines come before its reports.
    ends_first: bool = False
    #: Who had an item for less than this has not worked on it; None where work is too short.
    enough: Seconds | None = None
    #: `work` and `pace` of the item that took longest: bounds are made of these. `lease` and
    #: `pod_start` are the longest that were seen; `work` and `pace` are what is usual.
    longest: Seconds | None = None
    longest_pace: Seconds | None = None
    #: Where workers publish messages that carry an item on which the work succeeds, as
    #: "EXCHANGE/KEY", and the queues where such are left; None: not looked at.
    published: tuple[str, ...] | None = None

    @property
    def most_work(self) -> float | None:
        """The longest work on an item; older histories know the usual one only."""
        return self.work if self.longest is None else self.longest


class Bounds(Record, frozen=True):
    """By when something must have happened, in seconds; made from the figures."""

    #: From the end of a holder to the next delivery of its item (L1); None where that takes as
    #: long as a lease and none was seen.
    reclaim: Seconds | None
    #: From an item and an idle worker to a delivery (L2).
    progress: Seconds
    #: From the last fault's healing, or the last progress after it, to the end of the Job (L3).
    end: Seconds
    #: Where items are leased: from the end of a lost holder's own lease to the next delivery of its
    #: item. None in older histories, and where nothing is leased.
    pickup: Seconds | None = None
    #: The longest lease whose end is waited for.
    lease: Seconds | None = None


class Header(Record, frozen=True):
    """What the run was to be. `started` is the wall clock's time of moment 0, in UTC."""

    schema: int
    scenario: str
    pattern: str
    image: str
    started: datetime
    bounds: Bounds
    figures: Figures = Figures()
    #: The faults that must be confirmed before anything is judged, by their names.
    faults: tuple[str, ...] = ()
    #: Each item is there once; False when equal payloads are the point.
    unique_items: bool = True
    #: How many items a worker may work on at once, as its user says.
    concurrency: Count = 1
    #: The key that the producer sets once all items are sent; empty where it leaves none.
    sentinel: str = ""
    #: Items of another Job, in a queue of its own.
    neighbours: tuple[Payload, ...] = ()
    #: An item that makes this worker's handler fail, where the scenario has one.
    failing_item: Payload | None = None
    #: Its user has said so; else it is one that many workers choke on, and this one may not.
    failing_known: bool = False
    #: Patterns of the keys that it leaves in Redis on purpose; None: nobody has said.
    keeps: tuple[str, ...] | None = None
    #: How often an item may be tried that kills its worker.
    max_attempts: int = MAX_ATTEMPTS
    #: The Job is the user's own, so what is wrong with it is a finding against the user.
    own_job: bool = False
    #: RabbitMQ: the queue has a dead-letter exchange that its user has named.
    dead_letters: bool = False
    #: The words of the Job's own command that hide with which code the worker exits; or empty.
    swallows: str = ""
    #: The version of this tool.
    version: str = ""
