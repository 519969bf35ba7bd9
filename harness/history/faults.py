"""Faults, what the observers have missed, and the end of the run."""

from __future__ import annotations

from harness.history.base import Record, Worker

#: The name of the fault that a worker can answer: SIGTERM, and time to come to an end.
STOPPED = "pod told to stop"
#: The names of those like it, which the cluster's own parts do.
EVICTED, DRAINED = "pod evicted", "node drained"
STOPS = frozenset((STOPPED, EVICTED, DRAINED))
#: The names of the faults that take a whole node from a worker, without a word: for a while, or
#: for good.
NODE_LOST, NODE_KILLED = "node lost", "node killed"
NODE_LOSSES = frozenset((NODE_LOST, NODE_KILLED))
#: The name of the fault that a worker outlives: its broker is out of reach for a while.
CUT_OFF = "network cut"
#: The name of one that it has to find out about: its connection ended, and nothing told it so.
HALF_OPEN = "connection half open"
#: The name of another that it outlives: its broker ends, and is started again with all that it had.
RESTARTED = "broker restarted"


class FaultInjected(Record, frozen=True, tag="fault_injected"):
    """Harm was done: `fault` is the name that the header has, `to` says to what, for a reader."""

    fault: str
    to: str
    worker: Worker | None = None
    connection: int | None = None
    #: From here on nothing that the worker says reaches its broker: it is lost, whenever it ends.
    cut_off: bool = False


class FaultLanded(Record, frozen=True, tag="fault_landed"):
    """By now the worker does nothing more: the order to kill it, or to stop it, has been obeyed."""

    fault: str
    worker: Worker
    at: float | None = None


class FaultConfirmed(Record, frozen=True, tag="fault_confirmed"):
    """It was seen to land, in the events `evidence`."""

    fault: str
    evidence: tuple[int, ...]


class FaultHealed(Record, frozen=True, tag="fault_healed"):
    """The harm is undone, or does not go on; what must come is reckoned from here."""

    fault: str


class Gap(Record, frozen=True, tag="gap"):
    """An observer has missed something: that it saw nothing means nothing from here on."""

    of: str
    why: str


class RunEnded(Record, frozen=True, tag="run_ended"):
    """The last event of a run that was not killed; `why` is empty when it went to its end."""

    why: str = ""
