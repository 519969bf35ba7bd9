"""The vocabulary of a history: each event records an observation, never a conclusion.

The wire shows connections; logs and the cluster show workers. `ConnectionOwner` connects them as
soon as the owner is known (a pod's address often arrives after its first command). Moments are
seconds since the start of the run, as floats.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from harness.history.base import Record, Seconds
from harness.history.broker import BrokerBack, BrokerLost
from harness.history.cluster import (
    ContainerExited,
    ContainerSeen,
    JobDeleted,
    JobSeen,
    LogCaughtUp,
    LogEnded,
    LogLine,
    NeighbourSeen,
    OtherContainerSeen,
    OtherLogLine,
    PodSeen,
    WarningSeen,
)
from harness.history.connections import (
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionOwner,
    ConnectionRefused,
    ConnectionReleased,
    NotUnderstood,
    RequestRefused,
)
from harness.history.faults import FaultConfirmed, FaultHealed, FaultInjected, FaultLanded
from harness.history.items import (
    AskedForItem,
    BrokerDepth,
    CopyLeft,
    FoundEmpty,
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
    MessagePublished,
    WorkDigested,
)
from harness.history.run import Gap, RunEnded

Observation = (
    ItemEnqueued
    | AskedForItem
    | FoundEmpty
    | ItemDelivered
    | ItemLeased
    | LeaseExpired
    | ItemStarted
    | ItemDone
    | WorkDigested
    | ItemSettled
    | ItemReturned
    | ItemReclaimed
    | ConnectionOpened
    | ConnectionRefused
    | ConnectionOwner
    | ConnectionHeld
    | ConnectionReleased
    | ConnectionCut
    | ConnectionClosed
    | RequestRefused
    | NotUnderstood
    | MessagePublished
    | BrokerLost
    | BrokerBack
    | BrokerDepth
    | ItemLeft
    | CopyLeft
    | PodSeen
    | NeighbourSeen
    | ContainerSeen
    | ContainerExited
    | OtherContainerSeen
    | OtherLogLine
    | WarningSeen
    | JobSeen
    | JobDeleted
    | LogLine
    | LogCaughtUp
    | LogEnded
    | FaultInjected
    | FaultLanded
    | FaultConfirmed
    | FaultHealed
    | Gap
    | RunEnded
)


class Event(Record, frozen=True):
    """One observation."""

    #: Grows with every event.
    id: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    #: When it was recorded, which may be later than when it happened: seconds since the start of
    #: the run, by the harness clock. Never decreases.
    time: Seconds
    #: The observer, as "tap" or "pods".
    source: str
    what: Observation
