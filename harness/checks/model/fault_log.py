"""The course of the run: its faults, what was missed, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from harness.checks.model.event_ref import Mark, mark
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


class Harm(msgspec.Struct, frozen=True):
    """A fault was injected; to whom, where it was aimed at one worker or connection."""

    fault: str
    mark: Mark
    worker: Worker | None = None
    connection: int | None = None
    #: From then on nothing that the worker said reached the broker.
    cut_off: bool = False

    @property
    def of_all(self) -> bool:
        """It was aimed at nobody: at the broker, or at the way to it."""
        return self.worker is None and self.connection is None


class Loss(msgspec.Struct, frozen=True):
    """The broker ended, and was there again without its data."""

    lost: Mark
    back: Mark


class Missed(msgspec.Struct, frozen=True):
    """Something was not seen, or not understood, from here on."""

    of: str
    why: str
    mark: Mark
    #: What was made of it is a guess.
    guessed: bool = False
    #: The items that it is about; none means all.
    items: tuple[Payload, ...] = ()


class Course(msgspec.Struct, frozen=True):
    """What was done to the run and to its observers, in order."""

    injected: tuple[Harm, ...] = ()
    confirmed: Mapping[str, Mark] = {}
    healed: Mapping[str, Mark] = {}
    #: By when a worker that was killed, or stopped, was so.
    landed: Mapping[Worker, Mark] = {}
    gaps: tuple[Missed, ...] = ()
    not_understood: tuple[Missed, ...] = ()
    #: How often the broker has lost all that it had.
    losses: tuple[Loss, ...] = ()
    #: The end of the run; None when it was killed. `why` is empty when it went to its end.
    ended: Mark | None = None
    why: str = ""

    @property
    def cut_off(self) -> dict[Worker, Mark]:
        """From when on nothing reached the broker of those who were cut off for good."""
        return {
            harm.worker: harm.mark
            for harm in reversed(self.injected)
            if harm.cut_off and harm.worker is not None
        }

    @property
    def unhealed(self) -> tuple[Harm, ...]:
        """What was done, and not undone."""
        return tuple(harm for harm in self.injected if harm.fault not in self.healed)

    @property
    def calm(self) -> float | None:
        """From when on what must come is reckoned; None while a fault is not healed."""
        if self.unhealed:
            return None
        marks = [*self.healed.values(), *self.confirmed.values()]
        return max((one.at for one in marks), default=0.0)


class CourseTable:
    """Takes in faults, gaps and the end."""

    def __init__(self) -> None:
        self._injected: list[Harm] = []
        self._confirmed: dict[str, Mark] = {}
        self._healed: dict[str, Mark] = {}
        self._landed: dict[Worker, Mark] = {}
        self._gaps: list[Missed] = []
        self._odd: list[Missed] = []
        self._gone: Mark | None = None
        self._losses: list[Loss] = []
        self._ended: Mark | None = None
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

    def course(self) -> Course:
        return Course(
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
            Harm(what.fault, mark(event), what.worker, what.connection, what.cut_off)
        )

    def _confirm(self, event: Event, what: FaultConfirmed) -> None:
        self._confirmed.setdefault(what.fault, mark(event))

    def _heal(self, event: Event, what: FaultHealed) -> None:
        self._healed[what.fault] = mark(event)

    def _land(self, event: Event, what: FaultLanded) -> None:
        self._landed.setdefault(what.worker, mark(event))

    def _miss(self, event: Event, what: Gap) -> None:
        self._gaps.append(Missed(what.of, what.why, mark(event)))

    def _puzzle(self, event: Event, what: NotUnderstood) -> None:
        # The first one about all items says it; a broken client may send millions.
        alike = [one for one in self._odd if one.guessed == what.guessed]
        if any(not one.items for one in alike):
            return
        items = what.items if len(alike) < _MOST else ()
        of = f"connection {what.connection}"
        self._odd.append(Missed(of, what.why, mark(event), what.guessed, items))

    def _lose(self, event: Event, what: BrokerLost) -> None:
        self._gone = mark(event)

    def _come_back(self, event: Event, what: BrokerBack) -> None:
        if what.kept is False:
            back = mark(event)
            self._losses.append(Loss(self._gone or back, back))

    def _end(self, event: Event, what: RunEnded) -> None:
        self._ended, self._why = mark(event), what.why
