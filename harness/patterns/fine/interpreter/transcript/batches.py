"""Batches of Redis' two streams: the lines between two ticks are the same part of both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.patterns.fine.interpreter.transcript.commands import Elsewhere, Words, name
from harness.patterns.fine.interpreter.transcript.connections import ClientConnection, ExecutedUnit
from harness.tap.records import Monitored, Tick

Line = TypeVar("Line")

#: Messages that Redis sends to replicas now and then, and commands that change no keys.
_IDLE = frozenset((b"PING", b"REPLCONF"))
_NO_EFFECT = frozenset(b"PUBLISH SPUBLISH SCRIPT FUNCTION SELECT MULTI EXEC".split())


@dataclass(slots=True, eq=False)
class EffectUnit:
    """Effects that Redis applied as one unit; `at` is when the tap received them."""

    at: float
    effects: list[Words]


@dataclass(slots=True, eq=False)
class TickBatch:
    """Commands and effects between two ticks; `at` is when the later tick came."""

    at: float
    groups: list[ExecutedUnit]
    units: list[EffectUnit]
    #: Number of batches that became complete after this one.
    age: int = 0


@dataclass(slots=True)
class _Stream(Generic[Line]):
    """Lines since the last tick, and sections whose tick the other stream has not shown yet."""

    now: list[Line] = field(default_factory=list)
    cut: deque[tuple[int, list[Line]]] = field(default_factory=deque)

    @property
    def empty(self) -> bool:
        return not self.now and not any(lines for _, lines in self.cut)

    def tick(self, number: int) -> None:
        self.cut.append((number, self.now))
        self.now = []

    def pass_over(self) -> None:
        """Join the lines before a tick that the other stream lacks to the lines after it."""
        _, early = self.cut.popleft()
        later = self.cut[0][1] if self.cut else self.now
        later[:0] = early


class Batches:
    """Combines the lines of the two streams into batches.

    `talk_of` finds a client's connection at a moment.
    """

    def __init__(self, talk_of: Callable[[str, float], ClientConnection | None]) -> None:
        self._talk_of = talk_of
        self._lines: _Stream[Monitored] = _Stream()
        self._effects: _Stream[tuple[float, Words]] = _Stream()
        self._db = 0
        #: Open transactions, by client.
        self._begun: dict[str, ExecutedUnit] = {}

    @property
    def empty(self) -> bool:
        """Whether no line waits for a tick."""
        return self._lines.empty and self._effects.empty

    def line(self, line: Monitored) -> None:
        self._lines.now.append(line)

    def effect(self, at: float, words: Words) -> None:
        if name(words) not in _IDLE:
            self._effects.now.append((at, words))

    def tick(self, at: float, tick: Tick) -> list[TickBatch]:
        """Return the batches that are complete with this tick."""
        (self._lines if tick.where == "monitor" else self._effects).tick(tick.number)
        batches = []
        lines, effects = self._lines.cut, self._effects.cut
        while lines and effects:
            line_tick, effect_tick = lines[0][0], effects[0][0]
            if line_tick < effect_tick:
                self._lines.pass_over()
            elif effect_tick < line_tick:
                self._effects.pass_over()
            else:
                batches.append(self._batch(at, lines.popleft()[1], effects.popleft()[1]))
        return batches

    def rest(self, at: float) -> TickBatch:
        """Return all remaining lines as one batch, at the end.

        There are no more ticks that show how the two streams belong together.
        """
        for stream in (self._lines, self._effects):
            while stream.cut:
                stream.pass_over()
        batch = self._batch(at, self._lines.now, self._effects.now)
        self._lines, self._effects = _Stream(), _Stream()
        self._begun.clear()
        return batch

    def forget(self, client: str) -> None:
        """Drop the open transaction of a client that is gone and will not end it."""
        self._begun.pop(client, None)

    def _batch(
        self, at: float, lines: list[Monitored], effects: list[tuple[float, Words]]
    ) -> TickBatch:
        return TickBatch(at, self._groups(lines), self._units(effects))

    # -- executed commands -------------------------------------------------------------------

    def _groups(self, lines: list[Monitored]) -> list[ExecutedUnit]:
        groups: list[ExecutedUnit] = []
        last: ExecutedUnit | None = None
        for line in lines:
            if line.client == "lua":
                if last is not None:
                    last.lines.append(line.words)
                    last.end = line.at
                continue
            last = self._begun.get(line.client)
            if last is not None:
                self._continue_transaction(last, line, groups)
            else:
                last = self._start_unit(line)
                if name(line.words) == b"MULTI":
                    self._begun[line.client] = last
                else:
                    groups.append(last)
        return groups

    def _start_unit(self, line: Monitored) -> ExecutedUnit:
        connection = self._talk_of(line.client, line.at)
        pending = None if connection is None else connection.ran(line.words)
        if name(line.words) == b"MULTI":
            return ExecutedUnit(line.at, line.client, connection, [], [], transaction=True)
        return ExecutedUnit(line.at, line.client, connection, [line.words], [line.words], pending)

    def _continue_transaction(
        self, group: ExecutedUnit, line: Monitored, groups: list[ExecutedUnit]
    ) -> None:
        pending = None if group.talk is None else group.talk.ran(line.words)
        command = name(line.words)
        if command in (b"EXEC", b"DISCARD", b"RESET"):
            del self._begun[line.client]
            group.at, group.asked = line.at, pending
            if command == b"EXEC":
                groups.append(group)
        else:
            group.tops.append(line.words)
            group.lines.append(line.words)

    # -- effects ------------------------------------------------------------------------------

    def _units(self, effects: list[tuple[float, Words]]) -> list[EffectUnit]:
        units: list[EffectUnit] = []
        unit: EffectUnit | None = None
        for at, words in effects:
            command = name(words)
            if command == b"MULTI":
                unit = EffectUnit(at, [])
            elif command == b"EXEC":
                if unit is not None and unit.effects:
                    units.append(unit)
                unit = None
            elif command == b"SELECT":
                self._db = int(words[1])
            elif command not in _NO_EFFECT:
                # The harness seeds database 0.
                effect = Elsewhere.of(self._db, words) if self._db else words
                if unit is not None:
                    unit.effects.append(effect)
                else:
                    units.append(EffectUnit(at, [effect]))
        return units
