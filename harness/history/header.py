"""The first line of a history: the plan of the run, and the bounds by which it is judged."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from harness.history.base import Count, Record, Seconds
from harness.history.payload import Payload

#: Increased with every change that a reader of another version cannot handle.
SCHEMA = 1
#: How often an item that kills its worker may be tried, by default.
MAX_ATTEMPTS = 5


#: How often workers log a start or an end for settled items; empty where it is not known.
Habit = Literal["", "always", "mostly", "seldom", "never"]


class Figures(Record, frozen=True):
    """Measurements of the fault-free run of the same worker; None where nothing shows a value.

    All times are in seconds; `work` and `pace` are medians.
    """

    #: Seconds from a delivery to the end of the work on it, with the time it waited for others.
    work: Seconds | None = None
    #: Seconds of the worker's time for one item, from the end of the previous item.
    pace: Seconds | None = None
    #: Longest lease, in seconds.
    lease: Seconds | None = None
    #: Longest start of a pod, in seconds.
    pod_start: Seconds | None = None
    #: Whether every start in the logs belongs to a delivered item; None when there was no start.
    starts_matched: bool | None = None
    #: Whether workers settled items after the end of the work on them; None when nothing showed it.
    settles_after_work: bool | None = None
    #: How often the worker logs that it starts an item.
    starts_told: Habit = ""
    #: How often the worker logs that it finished an item.
    ends_told: Habit = ""
    #: Whether log lines arrive as the worker writes them; None where nothing shows it.
    log_live: bool | None = None
    #: Whether the worker logs the end before it settles the item.
    ends_first: bool = False
    #: A worker that held an item for fewer seconds has not worked on it; None where work is too
    #: short.
    enough: Seconds | None = None
    #: Seconds of `work` for the slowest item; bounds are made of the longest values.
    longest: Seconds | None = None
    #: Seconds of `pace` for the slowest item.
    longest_pace: Seconds | None = None
    #: Where workers publish messages that carry a successful item ("EXCHANGE/KEY"), and the queues
    #: where such messages remain; None: not checked.
    published: tuple[str, ...] | None = None

    @property
    def most_work(self) -> float | None:
        """The longest work on an item, in seconds; older histories have only the usual one."""
        return self.work if self.longest is None else self.longest


class Bounds(Record, frozen=True):
    """Time limits in seconds, made from the figures."""

    #: From the end of a holder to the next delivery of its item (L1). None where reclaiming takes
    #: as long as a lease and no lease was seen.
    reclaim: Seconds | None
    #: From an item and an idle worker to a delivery (L2).
    progress: Seconds
    #: From the healing of the last fault, or the last progress after it, to the end of the Job
    #: (L3).
    end: Seconds
    #: Leased items: from the end of a lost holder's own lease to the next delivery of its item.
    #: None in older histories, and where items are not leased.
    pickup: Seconds | None = None
    #: The longest lease, in seconds, whose end the harness waits for.
    lease: Seconds | None = None


class Header(Record, frozen=True):
    """The plan of the run."""

    schema: int
    scenario: str
    pattern: str
    image: str
    #: Wall-clock time of moment 0, in UTC, by the harness clock.
    started: datetime
    bounds: Bounds
    figures: Figures = Figures()
    #: Names of the faults that must be confirmed before anything is judged.
    faults: tuple[str, ...] = ()
    #: Each item exists once; False when equal payloads are the point of the scenario.
    unique_items: bool = True
    #: How many items a worker may work on at once, as its user configured it.
    concurrency: Count = 1
    #: The key that the producer sets after it has sent all items; empty where it sets none.
    sentinel: str = ""
    #: Items of another Job, in its own queue.
    neighbours: tuple[Payload, ...] = ()
    #: An item on which the worker's handler fails, where the scenario has one.
    failing_item: Payload | None = None
    #: The user named the failing item. Else it is one on which many workers fail, but maybe not
    #: this one.
    failing_known: bool = False
    #: Patterns of the keys that the worker leaves in Redis on purpose; None: not configured.
    keeps: tuple[str, ...] | None = None
    #: How often an item that kills its worker may be tried.
    max_attempts: int = MAX_ATTEMPTS
    #: The Job is the user's own, so that a defect of the Job is a finding.
    own_job: bool = False
    #: RabbitMQ: the queue has a dead-letter exchange that its user configured.
    dead_letters: bool = False
    #: The part of the Job's own command that hides the exit code of the worker; or empty.
    swallows: str = ""
    #: The version of this tool.
    version: str = ""
