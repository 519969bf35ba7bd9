"""Faults: injected, landed, confirmed, healed."""

from __future__ import annotations

from harness.history.base import Record, Worker


class FaultInjected(Record, frozen=True, tag="fault_injected"):
    """The harness injected a fault."""

    #: Name of the fault, as the header lists it.
    fault: str
    #: Description of the target, for a reader.
    to: str
    worker: Worker | None = None
    connection: int | None = None
    #: From here on no message of the worker reaches its broker: the worker is lost, whenever it
    #: ends.
    cut_off: bool = False


class FaultLanded(Record, frozen=True, tag="fault_landed"):
    """The worker does nothing more from now on: the order to kill or stop it took effect."""

    fault: str
    worker: Worker
    #: Seconds since the start of the run, by the harness clock, or when the node obeyed, by its
    #: clock.
    at: float | None = None


class FaultConfirmed(Record, frozen=True, tag="fault_confirmed"):
    """Events prove that the fault landed."""

    fault: str
    #: The ids of these events.
    evidence: tuple[int, ...]


class FaultHealed(Record, frozen=True, tag="fault_healed"):
    """The fault is undone or does not continue; deadlines count from here."""

    fault: str
