"""Faults: injected, landed, confirmed, healed."""

from __future__ import annotations

from harness.history.base import Record, Worker


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
