"""Redis' two streams cut into batches: what lies between two ticks is the same in both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.patterns.fine.interpreter.transcript.commands import Elsewhere, Words, name
from harness.patterns.fine.interpreter.transcript.connections import ClientConnection, ExecutedUnit
from harness.tap.records import Monitored, Tick

Line = TypeVar("Line")

#: What replicas are told now and then, and what else changes no keys.
_IDLE = frozenset((b"PING", b"REPLCONF"))
_NO_EFFECT = frozenset(b"PUBLISH SPUBLISH SCRIPT FUNCTION SELECT MULTI EXEC".split())


@dataclass(slots=True, eq=False)
class EffectUnit:
    """What Redis has changed as a whole; `at` is when the tap was told."""

    at: float
    effects: list[Words]


@dataclass(slots=True, eq=False)
class TickBatch:
    """What was run and what changed between two ticks; `at` is when the later one came."""

    at: float
    groups: list[ExecutedUnit]
    units: list[EffectUnit]
    #: Batches that have been complete since then.
    age: int = 0


@dataclass(slots=True)
class _Stream(Generic[Line]):
    """Lines since the last tick, and stretches whose tick the other stream has yet to show."""

    now: list[Line] = field(default_factory=list)
    cut: deque[tuple[int, list[Line]]] = field(default_factory=deque)

    @property
    def empty(self) -> bool:
        return not self.now and not any(lines for _, lines in self.cut)

    def tick(self, number: int) -> None:
        self.cut.append((number, self.now))
        self.now = []

    def pass_over(self) -> None:
        """The other stream does not have this tick: what stood before it joins what follows."""
        _, early = self.cut.popleft()
        later = self.cut[0][1] if self.cut else self.now
        later[:0] = early


class Batches:
    """Puts together what comes on the two streams. `talk_of` finds a client's connection, at
    a moment."""

    def __init__(self, talk_of: Callable[[str, float], ClientConnection | None]) -> None:
        self._talk_of = talk_of
        self._lines: _Stream[Monitored] = _Stream()
        self._effects: _Stream[tuple[float, Words]] = _Stream()
        self._db = 0
        #: Transactions that have begun, by client.
        self._begun: dict[str, ExecutedUnit] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing waits for a tick."""
        return self._lines.empty and self._effects.empty

    def line(self, line: Monitored) -> None:
        self._lines.now.append(line)

    def effect(self, at: float, words: Words) -> None:
        if name(words) not in _IDLE:
            self._effects.now.append((at, words))

    def tick(self, at: float, tick: Tick) -> list[TickBatch]:
        """The batches that are complete with this tick."""
        (self._lines if tick.where == "monitor" else self._effects).tick(tick.number)
        done = []
        lines, effects = self._lines.cut, self._effects.cut
        while lines and effects:
            here, there = lines[0][0], effects[0][0]
            if here < there:
                self._lines.pass_over()
            elif there < here:
                self._effects.pass_over()
            else:
                done.append(self._batch(at, lines.popleft()[1], effects.popleft()[1]))
        return done

    def rest(self, at: float) -> TickBatch:
        """All that is left, at the end; nothing says any more how the two belong together."""
        for stream in (self._lines, self._effects):
            while stream.cut:
                stream.pass_over()
        batch = self._batch(at, self._lines.now, self._effects.now)
        self._lines, self._effects = _Stream(), _Stream()
        self._begun.clear()
        return batch

    def forget(self, client: str) -> None:
        """It has gone, and will not end its transaction."""
        self._begun.pop(client, None)

    def _batch(
        self, at: float, lines: list[Monitored], effects: list[tuple[float, Words]]
    ) -> TickBatch:
        return TickBatch(at, self._groups(lines), self._units(effects))

    # -- what was run -------------------------------------------------------------------------

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
                self._go_on(last, line, groups)
            else:
                last = self._first(line)
                if name(line.words) == b"MULTI":
                    self._begun[line.client] = last
                else:
                    groups.append(last)
        return groups

    def _first(self, line: Monitored) -> ExecutedUnit:
        talk = self._talk_of(line.client, line.at)
        asked = None if talk is None else talk.ran(line.words)
        if name(line.words) == b"MULTI":
            return ExecutedUnit(line.at, line.client, talk, [], [], transaction=True)
        return ExecutedUnit(line.at, line.client, talk, [line.words], [line.words], asked)

    def _go_on(self, group: ExecutedUnit, line: Monitored, groups: list[ExecutedUnit]) -> None:
        asked = None if group.talk is None else group.talk.ran(line.words)
        what = name(line.words)
        if what in (b"EXEC", b"DISCARD", b"RESET"):
            del self._begun[line.client]
            group.at, group.asked = line.at, asked
            if what == b"EXEC":
                groups.append(group)
        else:
            group.tops.append(line.words)
            group.lines.append(line.words)

    # -- what has changed ---------------------------------------------------------------------

    def _units(self, effects: list[tuple[float, Words]]) -> list[EffectUnit]:
        units: list[EffectUnit] = []
        whole: EffectUnit | None = None
        for at, words in effects:
            what = name(words)
            if what == b"MULTI":
                whole = EffectUnit(at, [])
            elif what == b"EXEC":
                if whole is not None and whole.effects:
                    units.append(whole)
                whole = None
            elif what == b"SELECT":
                self._db = int(words[1])
            elif what not in _NO_EFFECT:
                # The harness seeds database 0.
                effect = Elsewhere.of(self._db, words) if self._db else words
                if whole is not None:
                    whole.effects.append(effect)
                else:
                    units.append(EffectUnit(at, [effect]))
        return units
