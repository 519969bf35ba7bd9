"""Redis' wire as items: who was given which, and what became of it.

Three streams come from the tap: what workers ask and are answered, what Redis runs (MONITOR), and
what that changes (a replica's link). The last says what happened, the second who did it, and the
first what they got to know. Ticks in the last two say which parts of them belong together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import chain
from math import inf
from typing import Any, Literal

import msgspec

from harness.history import (
    BrokerBack,
    BrokerLost,
    ConnectionClosed,
    ConnectionOpened,
    Gap,
    NotUnderstood,
    Observation,
)
from harness.patterns.command_roles import Roles
from harness.patterns.connection_events import CONNECTION, relative_to_start
from harness.patterns.fine.interpreter.effect_matcher import EffectMatcher, ReplayStep
from harness.patterns.fine.interpreter.event_buffer import EventBuffer
from harness.patterns.fine.interpreter.items.stream_group import Stream
from harness.patterns.fine.interpreter.replayer import Replayer
from harness.patterns.fine.interpreter.transcript.batches import Batches, TickBatch
from harness.patterns.fine.interpreter.transcript.commands import is_blocking
from harness.patterns.fine.interpreter.transcript.connections import ClientConnection
from harness.tap.records import Command, Effect, Monitored, Record, Reply, Tick

#: Ticks for which an answer is waited for.
_PATIENCE = 20


class RedisInterpreter:
    """Turns the tap's records into events about `queue`; moments since `epoch` (since 1970).

    `roles` is what another run of the same worker has taught; `stream` is for a queue that is one.
    """

    def __init__(
        self, queue: str, epoch: float, roles: Roles | None = None, stream: Stream | None = None
    ) -> None:
        self._epoch = epoch
        self._talks: dict[int, ClientConnection] = {}
        self._clients: dict[str, ClientConnection] = {}
        self._closed: deque[ClientConnection] = deque()
        self._batches = Batches(self._talk)
        self._waiting: deque[TickBatch] = deque()
        self._steps: Iterator[ReplayStep | None] | None = None
        self._flushing = False
        self._out = EventBuffer()
        self._book = Replayer(queue, epoch, roles or Roles(), stream or Stream(), self._out)
        self._matcher = EffectMatcher(self._book.space)

    def feed(self, at: float, record: Record) -> list[Observation]:
        """The events that are complete with a record; `at` in seconds since 1970."""
        if isinstance(record, Command):
            talk = self._talks.get(record.connection)
            if talk is not None:
                talk.asked(at, record)
            return []
        if isinstance(record, Reply):
            return self._answered(at, record)
        if isinstance(record, Monitored):
            self._batches.line(record)
            return []
        if isinstance(record, Effect):
            self._batches.effect(at, record.words)
            return []
        if isinstance(record, Tick):
            return self._ticked(at, record)
        return self._passed(at, record)

    def finish(self) -> list[Observation]:
        """What is still open, at the end: answers that are missing will not come."""
        self._flushing = True
        self._waiting.append(self._batches.rest(inf))
        told = self._go_on()
        self._book.unread()
        self._flushing = False
        return told + self._out.pull(inf)

    def drained(self) -> bool:
        """Whether all that was taken has come out."""
        return not self._waiting and self._batches.empty and self._out.empty

    def roles(self) -> Roles:
        """What was taught, and what was learned since."""
        return self._book.learned.roles()

    def places(self) -> Mapping[str, list[bytes]]:
        """Where items are at this moment: "ready", "leased", "dead"."""
        return self._book.places()

    def bodies(self) -> Mapping[bytes, Literal["leased", "dead"]]:
        """Keys in which items can be read wherever their ids are: how it stands with those."""
        return self._book.bodies()

    def lease_blind_spot(self) -> str:
        """Why leases cannot be told, or empty."""
        return self._book.leases_understood()

    # -- records ------------------------------------------------------------------------------

    def _passed(self, at: float, record: Any) -> list[Observation]:
        moment = at - self._epoch
        if isinstance(record, CONNECTION):
            self._connection(at, record)
            record = relative_to_start(record, moment)
        elif isinstance(record, BrokerLost):
            # What no tick has followed belongs together as well as can be told: no more will come.
            told = self.finish()
            self._matcher.forget_all()
            return [*told, msgspec.structs.replace(record, at=moment)]
        elif isinstance(record, BrokerBack):
            return self._back(moment, record)
        elif not isinstance(record, (NotUnderstood, Gap)):
            return []
        if self.drained() and self._all_shown():
            return [record]
        self._out.put(moment, record)
        return []

    def _back(self, moment: float, record: BrokerBack) -> list[Observation]:
        """Redis has been started again: with what is known to have been there, or with nothing."""
        known, kept = self._book.keys(), None
        if record.keys == known:
            kept = True
        elif not record.keys:
            kept = False
            self._book.lose()
        told: list[Observation] = [msgspec.structs.replace(record, kept=kept, at=moment)]
        if kept is None:
            why = f"Redis was back with {record.keys} keys that last, and had had {known}"
            told.append(Gap("replica", why))
        return told

    def _connection(self, at: float, record: Any) -> None:
        if isinstance(record, ConnectionOpened):
            talk = ClientConnection(record.connection, record.broker_side, record.address)
            self._talks[record.connection] = self._clients[record.broker_side] = talk
        elif isinstance(record, ConnectionClosed) and record.connection in self._talks:
            talk = self._talks.pop(record.connection)
            talk.closed = at
            self._closed.append(talk)

    def _answered(self, at: float, record: Reply) -> list[Observation]:
        talk = self._talks.get(record.connection)
        asked = None if talk is None else talk.answered(at, record)
        if asked is not None and is_blocking(asked.words):
            group = self._matcher.in_vain(asked)
            if group is not None:
                self._book.in_vain(group)
        return self._go_on() if self._waiting else []

    def _ticked(self, at: float, record: Tick) -> list[Observation]:
        done = self._batches.tick(at, record)
        if not done:
            return []
        for batch in self._waiting:
            batch.age += len(done)
        self._waiting.extend(done)
        return self._go_on()

    def _all_shown(self) -> bool:
        """Whether MONITOR has shown all that was asked, also by those who have gone since."""
        return not any(talk.unseen for talk in chain(self._talks.values(), self._closed))

    def _talk(self, client: str, moment: float) -> ClientConnection | None:
        """The connection that Redis knows by this name; ports are used again."""
        talk = self._clients.get(client)
        return None if talk is None or talk.over(moment) else talk

    def _forget(self, moment: float) -> None:
        while self._closed and self._closed[0].over(moment):
            talk = self._closed.popleft()
            self._matcher.forget(talk)
            self._batches.forget(talk.client)
            if self._clients.get(talk.client) is talk:
                del self._clients[talk.client]

    # -- batches ------------------------------------------------------------------------------

    def _go_on(self) -> list[Observation]:
        told: list[Observation] = []
        while self._waiting and self._finish(self._waiting[0]):
            batch = self._waiting.popleft()
            self._book.close(batch.at)
            told += self._out.pull(batch.at - self._epoch)
            self._forget(batch.at)
        return told

    def _finish(self, batch: TickBatch) -> bool:
        """Do the steps of a batch; False when an answer is missing."""
        if self._steps is None:
            if not self._complete(batch):
                return False
            self._steps = self._matcher.steps(batch, lambda: self._impatient(batch))
        for step in self._steps:
            if step is None:
                return False
            self._book.enter(step)
        self._steps = None
        return True

    def _complete(self, batch: TickBatch) -> bool:
        missing = [one.talk for one in batch.groups if one.missing]
        if not missing:
            return True
        if not self._impatient(batch):
            return False
        for talk in missing:
            if talk is not None:
                talk.mute = True
        return True

    def _impatient(self, batch: TickBatch) -> bool:
        return self._flushing or batch.age > _PATIENCE
