"""Who has changed what: each change that Redis replicates, and the command that made it."""

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
    """A step in the server's order: a command without effect, with it, or an effect by nobody."""

    group: ExecutedUnit | None
    unit: EffectUnit | None = None
    #: The command has waited for what it gets now.
    late: bool = False
    #: By when it was, where no command tells (seconds since 1970).
    before: float = inf


class EffectMatcher:
    """Goes through batches. `space` is the keyspace as it was before the step that comes next."""

    def __init__(self, space: Keyspace) -> None:
        self._space = space
        #: Commands that wait for an item, the first first.
        self.waiting: list[ExecutedUnit] = []

    def steps(self, batch: TickBatch, impatient: Callable[[], bool]) -> Iterator[ReplayStep | None]:
        """The steps of a batch; each has to be done before the next is asked for.

        None: an answer is missing; ask again when more has come, or be `impatient`.
        """
        groups, start = batch.groups, 0
        for unit in batch.units:
            group, sure = self._who(unit, groups, start)
            while not sure and not impatient():
                yield None
                group, sure = self._who(unit, groups, start)
            if group is None:
                before = groups[start].at if start < len(groups) else inf
                yield ReplayStep(None, unit, before=before)
            elif group.waiting:
                self._done(group)
                yield ReplayStep(group, unit, late=True)
            else:
                end = groups.index(group, start)
                for one in groups[start:end]:
                    yield self._fruitless(one)
                start = end + 1
                yield ReplayStep(group, unit)
        for one in groups[start:]:
            yield self._fruitless(one)

    def in_vain(self, asked: PendingCommand) -> ExecutedUnit | None:
        """A command has its answer: the one that has waited, if that was in vain."""
        for group in self.waiting:
            if group.asked is asked and (asked.refused or not asked.value):
                self._done(group)
                return group
        return None

    def forget(self, talk: ClientConnection) -> None:
        """It has gone, and nothing more comes of what it has asked."""
        self.waiting = [one for one in self.waiting if one.talk is not talk]

    def forget_all(self) -> None:
        """Redis has gone, and nobody waits any more."""
        for group in list(self.waiting):
            self._done(group)

    def _done(self, group: ExecutedUnit) -> None:
        group.waiting = False
        self.waiting.remove(group)

    def _fruitless(self, group: ExecutedUnit) -> ReplayStep:
        if (
            group.blocking
            and removes(group.tops[0])
            and (group.asked is None or not self._answered_in_vain(group))
        ):
            group.waiting = True
            self.waiting.append(group)
        return ReplayStep(group)

    def _answered_in_vain(self, group: ExecutedUnit) -> bool:
        asked = group.asked
        return (
            asked is not None and asked.answered is not None and (asked.refused or not asked.value)
        )

    def _who(
        self, unit: EffectUnit, groups: list[ExecutedUnit], start: int
    ) -> tuple[ExecutedUnit | None, bool]:
        """Whose it is, and whether that is sure: an answer may still say otherwise."""
        found = map(self._space.would_take, unit.effects)
        taken = next((one for one in found if one is not None), None)
        perhaps = None
        waiting = () if taken is None else tuple(self.waiting)
        for group in chain(waiting, groups[start:]):
            if not _can_produce(group, unit):
                continue
            agrees = _agrees(group, taken)
            if agrees:
                return group, True
            if agrees is None and perhaps is None:
                perhaps = group
        return perhaps, perhaps is None


def _can_produce(group: ExecutedUnit, unit: EffectUnit) -> bool:
    """Whether all effects are this group's, but for keys that expired when it looked at them."""
    some = False
    for effect in unit.effects:
        if any(may_replicate_as(line, effect) for line in group.lines):
            some = True
        elif name(effect) not in (b"DEL", b"UNLINK") or len(effect) != 2:
            return False
    return some


def _agrees(group: ExecutedUnit, taken: bytes | None) -> bool | None:
    """Whether the answer fits to what was taken away; None while there is none."""
    if not group.plain or group.talk is None:
        return True
    asked = group.asked
    if asked is None or asked.answered is None:
        return None if group.blocking else True
    if asked.refused or had_no_effect(group.tops[0], asked.value):
        return False
    return taken is None or taken in group.brought
