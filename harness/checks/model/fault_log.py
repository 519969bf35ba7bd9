"""The fault log of a run: injected faults, observation gaps, and how the run ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from harness.checks.model.event_ref import EventRef, ref
from harness.history import (
    BrokerBack,
    BrokerLost,
    Event,
    FaultConfirmed,
    FaultHealed,
    FaultInjected,
    FaultLanded,
    Gap,
    NotUnderstood,
    Payload,
    RunEnded,
    Worker,
)
from harness.history.fault_names import BROKER_FAULTS

#: Most misunderstandings recorded for single items; one more may concern any item.
_MOST = 20


class InjectedFault(msgspec.Struct, frozen=True):
    """An injected fault; `worker` or `connection` is its target, if it had a single one."""

    fault: str
    ref: EventRef
    worker: Worker | None = None
    connection: int | None = None
    #: From then on nothing that the worker sent reached the broker.
    cut_off: bool = False

    @property
    def of_all(self) -> bool:
        """Whether it had no single target: it hit the broker, or the network path to it."""
        return self.worker is None and self.connection is None


class BrokerDataLoss(msgspec.Struct, frozen=True):
    """The broker ended, and came back without its data."""

    lost: EventRef
    back: EventRef


class ObservationGap(msgspec.Struct, frozen=True):
    """From here on an observer missed something, or did not understand it."""

    of: str
    why: str
    ref: EventRef
    #: The interpretation is a guess.
    guessed: bool = False
    #: The items that it concerns; empty means all.
    items: tuple[Payload, ...] = ()


class FaultLog(msgspec.Struct, frozen=True):
    """All faults of the run and all gaps of its observers, in order."""

    injected: tuple[InjectedFault, ...] = ()
    confirmed: Mapping[str, EventRef] = {}
    healed: Mapping[str, EventRef] = {}
    #: By worker that was killed or stopped: the time by which that had happened.
    landed: Mapping[Worker, EventRef] = {}
    gaps: tuple[ObservationGap, ...] = ()
    not_understood: tuple[ObservationGap, ...] = ()
    #: When the broker ended, with or without a fault of the harness.
    broker_ends: tuple[EventRef, ...] = ()
    #: All losses of the broker's data.
    losses: tuple[BrokerDataLoss, ...] = ()
    #: The end of the run; None if the harness was killed. `why` is empty after a complete run.
    ended: EventRef | None = None
    why: str = ""

    @property
    def cut_off(self) -> dict[Worker, EventRef]:
        """By worker that was cut off for good: from when on nothing from it reached the broker."""
        return {
            fault.worker: fault.ref
            for fault in reversed(self.injected)
            if fault.cut_off and fault.worker is not None
        }

    @property
    def broker_faults(self) -> tuple[EventRef, ...]:
        """When the broker or the way to it failed, or what it held was lost."""
        injected = (fault.ref for fault in self.injected if fault.fault in BROKER_FAULTS)
        return (*injected, *self.broker_ends, *(loss.lost for loss in self.losses))

    @property
    def unhealed(self) -> tuple[InjectedFault, ...]:
        """The injected faults that are not healed."""
        return tuple(fault for fault in self.injected if fault.fault not in self.healed)

    @property
    def stable_since(self) -> float | None:
        """The time from which deadlines count; None while a fault is not healed."""
        if self.unhealed:
            return None
        event_refs = [*self.healed.values(), *self.confirmed.values()]
        return max((event_ref.at for event_ref in event_refs), default=0.0)


class FaultLogTable:
    """Collects faults, gaps and the end of the run."""

    def __init__(self) -> None:
        self._injected: list[InjectedFault] = []
        self._confirmed: dict[str, EventRef] = {}
        self._healed: dict[str, EventRef] = {}
        self._landed: dict[Worker, EventRef] = {}
        self._gaps: list[ObservationGap] = []
        self._misunderstandings: list[ObservationGap] = []
        self._broker_ends: list[EventRef] = []
        self._losses: list[BrokerDataLoss] = []
        self._ended: EventRef | None = None
        self._why = ""
        # Any: each handler takes the one type in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            FaultInjected: self._inject,
            FaultConfirmed: self._confirm,
            FaultHealed: self._heal,
            FaultLanded: self._land,
            Gap: self._miss,
            NotUnderstood: self._misunderstand,
            BrokerLost: self._lose,
            BrokerBack: self._come_back,
            RunEnded: self._end,
        }

    def fault_log(self) -> FaultLog:
        return FaultLog(
            tuple(self._injected),
            self._confirmed,
            self._healed,
            self._landed,
            tuple(self._gaps),
            tuple(self._misunderstandings),
            tuple(self._broker_ends),
            tuple(self._losses),
            self._ended,
            self._why,
        )

    def _inject(self, event: Event, what: FaultInjected) -> None:
        self._injected.append(
            InjectedFault(what.fault, ref(event), what.worker, what.connection, what.cut_off)
        )

    def _confirm(self, event: Event, what: FaultConfirmed) -> None:
        self._confirmed.setdefault(what.fault, ref(event))

    def _heal(self, event: Event, what: FaultHealed) -> None:
        self._healed[what.fault] = ref(event)

    def _land(self, event: Event, what: FaultLanded) -> None:
        self._landed.setdefault(what.worker, ref(event))

    def _miss(self, event: Event, what: Gap) -> None:
        self._gaps.append(ObservationGap(what.of, what.why, ref(event)))

    def _misunderstand(self, event: Event, what: NotUnderstood) -> None:
        # The first one about all items is enough; a broken client may send millions.
        alike = [gap for gap in self._misunderstandings if gap.guessed == what.guessed]
        if any(not gap.items for gap in alike):
            return
        items = what.items if len(alike) < _MOST else ()
        observer = f"connection {what.connection}"
        self._misunderstandings.append(
            ObservationGap(observer, what.why, ref(event), what.guessed, items)
        )

    def _lose(self, event: Event, what: BrokerLost) -> None:
        self._broker_ends.append(ref(event))

    def _come_back(self, event: Event, what: BrokerBack) -> None:
        if what.kept is False:
            back = ref(event)
            lost = self._broker_ends[-1] if self._broker_ends else back
            self._losses.append(BrokerDataLoss(lost, back))

    def _end(self, event: Event, what: RunEnded) -> None:
        self._ended, self._why = ref(event), what.why
