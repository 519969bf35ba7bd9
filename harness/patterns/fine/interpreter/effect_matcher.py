"""Matching of each change that Redis replicates to the command that made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import inf

from harness.patterns.fine.interpreter.keyspace.keyspace import Keyspace
from harness.patterns.fine.interpreter.transcript.batches import EffectUnit, TickBatch
from harness.patterns.fine.interpreter.transcript.commands import (
    had_no_effect,
    may_replicate_as,
    name,
    removes,
)
from harness.patterns.fine.interpreter.transcript.connections import (
    ClientConnection,
    ExecutedUnit,
    PendingCommand,
)


@dataclass(slots=True, eq=False)
class ReplayStep:
    """A step in the server's order: a command, with or without effect, or an effect alone."""

    group: ExecutedUnit | None
    unit: EffectUnit | None = None
    #: The command waited for the effect that it has now.
    late: bool = False
    #: The latest moment of the step, if no command shows it (seconds since 1970).
    before: float = inf


class EffectMatcher:
    """Goes through batches; `space` is the keyspace as it was before the next step."""

    def __init__(self, space: Keyspace) -> None:
        self._space = space
        #: Commands that wait for an item, in the order of waiting.
        self.waiting: list[ExecutedUnit] = []

    def steps(self, batch: TickBatch, impatient: Callable[[], bool]) -> Iterator[ReplayStep | None]:
        """Yield the steps of a batch; replay each one before you request the next.

        None means that an answer is missing: continue when more records came, or be `impatient`.
        """
        groups, start = batch.groups, 0
        for unit in batch.units:
            group, sure = self._find_group(unit, groups, start)
            while not sure and not impatient():
                yield None
                group, sure = self._find_group(unit, groups, start)
            if group is None:
                before = groups[start].at if start < len(groups) else inf
                yield ReplayStep(None, unit, before=before)
            elif group.waiting:
                self._stop_waiting(group)
                yield ReplayStep(group, unit, late=True)
            else:
                end = groups.index(group, start)
                for fruitless in groups[start:end]:
                    yield self._step_without_effect(fruitless)
                start = end + 1
                yield ReplayStep(group, unit)
        for fruitless in groups[start:]:
            yield self._step_without_effect(fruitless)

    def in_vain(self, asked: PendingCommand) -> ExecutedUnit | None:
        """Return the waiting unit of a command that was answered, if it got nothing."""
        for group in self.waiting:
            if group.asked is asked and (asked.refused or not asked.value):
                self._stop_waiting(group)
                return group
        return None

    def forget(self, talk: ClientConnection) -> None:
        """Drop the waiting units of a connection that is gone; no effects of them will come."""
        self.waiting = [group for group in self.waiting if group.talk is not talk]

    def forget_all(self) -> None:
        """Drop all waiting units, because Redis is gone."""
        for group in list(self.waiting):
            self._stop_waiting(group)

    def _stop_waiting(self, group: ExecutedUnit) -> None:
        group.waiting = False
        self.waiting.remove(group)

    def _step_without_effect(self, group: ExecutedUnit) -> ReplayStep:
        if (
            group.blocking
            and removes(group.tops[0])
            and (group.asked is None or not self._answer_is_empty(group))
        ):
            group.waiting = True
            self.waiting.append(group)
        return ReplayStep(group)

    def _answer_is_empty(self, group: ExecutedUnit) -> bool:
        asked = group.asked
        return (
            asked is not None and asked.answered is not None and (asked.refused or not asked.value)
        )

    def _find_group(
        self, unit: EffectUnit, groups: list[ExecutedUnit], start: int
    ) -> tuple[ExecutedUnit | None, bool]:
        """Return the unit that made an effect, and whether no later answer can change that."""
        removals = map(self._space.would_take, unit.effects)
        taken = next((removal for removal in removals if removal is not None), None)
        candidate = None
        waiting = () if taken is None else tuple(self.waiting)
        for group in chain(waiting, groups[start:]):
            if not _can_produce(group, unit):
                continue
            agrees = _answer_fits(group, taken)
            if agrees:
                return group, True
            if agrees is None and candidate is None:
                candidate = group
        return candidate, candidate is None


def _can_produce(group: ExecutedUnit, unit: EffectUnit) -> bool:
    """Return whether a unit may have these effects, except keys that expired on access."""
    matched = False
    for effect in unit.effects:
        if any(may_replicate_as(line, effect) for line in group.lines):
            matched = True
        elif name(effect) not in (b"DEL", b"UNLINK") or len(effect) != 2:
            return False
    return matched


def _answer_fits(group: ExecutedUnit, taken: bytes | None) -> bool | None:
    """Return whether the answer fits what was removed; None while there is no answer."""
    if not group.plain or group.talk is None:
        return True
    asked = group.asked
    if asked is None or asked.answered is None:
        return None if group.blocking else True
    if asked.refused or had_no_effect(group.tops[0], asked.value):
        return False
    return taken is None or taken in group.brought
