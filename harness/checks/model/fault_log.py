"""The course of the run: its faults, what was missed, how it ended."""

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

#: What was not understood about single items, at most; of more, any item may be concerned.
_MOST = 20


class InjectedFault(msgspec.Struct, frozen=True):
    """A fault was injected; to whom, where it was aimed at one worker or connection."""

    fault: str
    ref: EventRef
    worker: Worker | None = None
    connection: int | None = None
    #: From then on nothing that the worker said reached the broker.
    cut_off: bool = False

    @property
    def of_all(self) -> bool:
        """It was aimed at nobody: at the broker, or at the way to it."""
        return self.worker is None and self.connection is None


class BrokerDataLoss(msgspec.Struct, frozen=True):
    """The broker ended, and was there again without its data."""

    lost: EventRef
    back: EventRef


class ObservationGap(msgspec.Struct, frozen=True):
    """Something was not seen, or not understood, from here on."""

    of: str
    why: str
    ref: EventRef
    #: What was made of it is a guess.
    guessed: bool = False
    #: The items that it is about; none means all.
    items: tuple[Payload, ...] = ()


class FaultLog(msgspec.Struct, frozen=True):
    """What was done to the run and to its observers, in order."""

    injected: tuple[InjectedFault, ...] = ()
    confirmed: Mapping[str, EventRef] = {}
    healed: Mapping[str, EventRef] = {}
    #: By when a worker that was killed, or stopped, was so.
    landed: Mapping[Worker, EventRef] = {}
    gaps: tuple[ObservationGap, ...] = ()
    not_understood: tuple[ObservationGap, ...] = ()
    #: How often the broker has lost all that it had.
    losses: tuple[BrokerDataLoss, ...] = ()
    #: The end of the run; None when it was killed. `why` is empty when it went to its end.
    ended: EventRef | None = None
    why: str = ""

    @property
    def cut_off(self) -> dict[Worker, EventRef]:
        """From when on nothing reached the broker of those who were cut off for good."""
        return {
            harm.worker: harm.ref
            for harm in reversed(self.injected)
            if harm.cut_off and harm.worker is not None
        }

    @property
    def unhealed(self) -> tuple[InjectedFault, ...]:
        """What was done, and not undone."""
        return tuple(harm for harm in self.injected if harm.fault not in self.healed)

    @property
    def stable_since(self) -> float | None:
        """From when on what must come is reckoned; None while a fault is not healed."""
        if self.unhealed:
            return None
        marks = [*self.healed.values(), *self.confirmed.values()]
        return max((one.at for one in marks), default=0.0)


class FaultLogTable:
    """Takes in faults, gaps and the end."""

    def __init__(self) -> None:
        self._injected: list[InjectedFault] = []
        self._confirmed: dict[str, EventRef] = {}
        self._healed: dict[str, EventRef] = {}
        self._landed: dict[Worker, EventRef] = {}
        self._gaps: list[ObservationGap] = []
        self._odd: list[ObservationGap] = []
        self._gone: EventRef | None = None
        self._losses: list[BrokerDataLoss] = []
        self._ended: EventRef | None = None
        self._why = ""
        # Any: each handler takes the one kind that stands beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            FaultInjected: self._inject,
            FaultConfirmed: self._confirm,
            FaultHealed: self._heal,
            FaultLanded: self._land,
            Gap: self._miss,
            NotUnderstood: self._puzzle,
            BrokerLost: self._lose,
            BrokerBack: self._come_back,
            RunEnded: self._end,
        }

    def course(self) -> FaultLog:
        return FaultLog(
            tuple(self._injected),
            self._confirmed,
            self._healed,
            self._landed,
            tuple(self._gaps),
            tuple(self._odd),
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

    def _puzzle(self, event: Event, what: NotUnderstood) -> None:
        # The first one about all items says it; a broken client may send millions.
        alike = [one for one in self._odd if one.guessed == what.guessed]
        if any(not one.items for one in alike):
            return
        items = what.items if len(alike) < _MOST else ()
        of = f"connection {what.connection}"
        self._odd.append(ObservationGap(of, what.why, ref(event), what.guessed, items))

    def _lose(self, event: Event, what: BrokerLost) -> None:
        self._gone = ref(event)

    def _come_back(self, event: Event, what: BrokerBack) -> None:
        if what.kept is False:
            back = ref(event)
            self._losses.append(BrokerDataLoss(self._gone or back, back))

    def _end(self, event: Event, what: RunEnded) -> None:
        self._ended, self._why = ref(event), what.why
