"""Time that passes only in the simulation, processes in it, and what observers write down."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Generator
from itertools import count

from harness.history import Event, Observation

#: A process gives the seconds after which it wants to go on.
Steps = Generator[float, None, None]


class World:
    """A clock, and the events that were seen; chance comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.chance = random.Random(seed)  # noqa: S311  # it has to be repeatable
        self.events: list[Event] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), do))

    def see(self, source: str, what: Observation, late: float = 0.0) -> None:
        """An observer writes down `what`, so many seconds after it was."""
        if late:
            self.later(late, lambda: self.see(source, what))
        else:
            self.events.append(Event(len(self.events) + 1, self.now, source, what))

    def run(self, until: float, over: Callable[[], bool]) -> None:
        """Let time pass until that moment, or until it is over."""
        while self._due and self._due[0][0] <= until and not over():
            self.now, _, do = heapq.heappop(self._due)
            do()
        if not over():
            self.now = until


class Process:
    """Steps that go on by themselves until they end, or are killed."""

    def __init__(self, world: World, steps: Steps) -> None:
        self._world, self._steps = world, steps
        self.alive = True
        self._frozen = self._due = False
        world.later(0.0, self._step)

    def kill(self) -> None:
        self.alive = False

    def freeze(self) -> None:
        self._frozen = True

    def thaw(self) -> None:
        """Go on with what has become due meanwhile."""
        self._frozen = False
        if self._due:
            self._world.later(0.0, self._step)
        self._due = False

    def _step(self) -> None:
        if self._frozen:
            self._due = True
            return
        if not self.alive:
            return
        try:
            self._world.later(next(self._steps), self._step)
        except StopIteration:
            self.alive = False
