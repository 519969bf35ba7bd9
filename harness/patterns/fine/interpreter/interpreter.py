"""Redis' traffic as items: which worker received which item, and what became of it.

The tap provides three streams: the commands of workers with their answers, the commands that Redis
runs (MONITOR), and the changes that these make (a replica's link). The last one shows what
happened, the second which client did it, and the first what the client learned. Ticks in the last
two show which parts of them belong together.
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

#: Ticks for which the interpreter waits for an answer.
_PATIENCE = 20


class RedisInterpreter:
    """Turns the tap's records into events about `queue`.

    Moments of events are seconds since `epoch`, which is in seconds since 1970. `roles` is what
    another run of the same worker has shown; `stream` is for a queue that is a stream.
    """

    def __init__(
        self, queue: str, epoch: float, roles: Roles | None = None, stream: Stream | None = None
    ) -> None:
        self._epoch = epoch
        self._connections: dict[int, ClientConnection] = {}
        self._clients: dict[str, ClientConnection] = {}
        self._closed: deque[ClientConnection] = deque()
        self._batches = Batches(self._connection_of)
        self._waiting: deque[TickBatch] = deque()
        self._steps: Iterator[ReplayStep | None] | None = None
        self._flushing = False
        self._buffer = EventBuffer()
        self._replayer = Replayer(queue, epoch, roles or Roles(), stream or Stream(), self._buffer)
        self._matcher = EffectMatcher(self._replayer.space)

    def feed(self, at: float, record: Record) -> list[Observation]:
        """Return the events that a record completes; `at` is in seconds since 1970."""
        if isinstance(record, Command):
            connection = self._connections.get(record.connection)
            if connection is not None:
                connection.asked(at, record)
            return []
        if isinstance(record, Reply):
            return self._handle_reply(at, record)
        if isinstance(record, Monitored):
            self._batches.line(record)
            return []
        if isinstance(record, Effect):
            self._batches.effect(at, record.words)
            return []
        if isinstance(record, Tick):
            return self._handle_tick(at, record)
        return self._handle_other(at, record)

    def finish(self) -> list[Observation]:
        """Return the events that are still open, at the end: missing answers will not come."""
        self._flushing = True
        self._waiting.append(self._batches.rest(inf))
        events = self._replay_waiting()
        self._replayer.unread()
        self._flushing = False
        return events + self._buffer.pull(inf)

    def drained(self) -> bool:
        """Return whether all records were turned into events."""
        return not self._waiting and self._batches.empty and self._buffer.empty

    def roles(self) -> Roles:
        """Return the given roles, and those learned since."""
        return self._replayer.learned.roles()

    def places(self) -> Mapping[str, list[bytes]]:
        """Return where items are at this moment: "ready", "leased", "dead"."""
        return self._replayer.places()

    def bodies(self) -> Mapping[bytes, Literal["leased", "dead"]]:
        """Return the state of each key in which an item can be read wherever its id is."""
        return self._replayer.bodies()

    def lease_blind_spot(self) -> str:
        """Return why leases cannot be determined, or an empty string."""
        return self._replayer.leases_understood()

    # -- records ------------------------------------------------------------------------------

    def _handle_other(self, at: float, record: Any) -> list[Observation]:
        moment = at - self._epoch
        if isinstance(record, CONNECTION):
            self._track_connection(at, record)
            record = relative_to_start(record, moment)
        elif isinstance(record, BrokerLost):
            # Records after the last tick are matched as well as possible: no more ticks will come.
            events = self.finish()
            self._matcher.forget_all()
            return [*events, msgspec.structs.replace(record, at=moment)]
        elif isinstance(record, BrokerBack):
            return self._handle_restart(moment, record)
        elif not isinstance(record, (NotUnderstood, Gap)):
            return []
        if self.drained() and self._all_shown():
            return [record]
        self._buffer.put(moment, record)
        return []

    def _handle_restart(self, moment: float, record: BrokerBack) -> list[Observation]:
        """Handle a restart of Redis: it has the keys that were known before, or none, or others."""
        known, kept = self._replayer.keys(), None
        if record.keys == known:
            kept = True
        elif not record.keys:
            kept = False
            self._replayer.lose()
        events: list[Observation] = [msgspec.structs.replace(record, kept=kept, at=moment)]
        if kept is None:
            why = f"Redis was back with {record.keys} keys that last, and had had {known}"
            events.append(Gap("replica", why))
        return events

    def _track_connection(self, at: float, record: Any) -> None:
        if isinstance(record, ConnectionOpened):
            connection = ClientConnection(record.connection, record.broker_side, record.address)
            self._connections[record.connection] = self._clients[record.broker_side] = connection
        elif isinstance(record, ConnectionClosed) and record.connection in self._connections:
            connection = self._connections.pop(record.connection)
            connection.closed = at
            self._closed.append(connection)

    def _handle_reply(self, at: float, record: Reply) -> list[Observation]:
        connection = self._connections.get(record.connection)
        pending = None if connection is None else connection.answered(at, record)
        if pending is not None and is_blocking(pending.words):
            group = self._matcher.in_vain(pending)
            if group is not None:
                self._replayer.in_vain(group)
        return self._replay_waiting() if self._waiting else []

    def _handle_tick(self, at: float, record: Tick) -> list[Observation]:
        batches = self._batches.tick(at, record)
        if not batches:
            return []
        for batch in self._waiting:
            batch.age += len(batches)
        self._waiting.extend(batches)
        return self._replay_waiting()

    def _all_shown(self) -> bool:
        """Return whether MONITOR has shown all commands, including those of closed connections."""
        return not any(
            connection.unseen for connection in chain(self._connections.values(), self._closed)
        )

    def _connection_of(self, client: str, moment: float) -> ClientConnection | None:
        """Return the connection that Redis knows by this name; clients use ports again."""
        connection = self._clients.get(client)
        return None if connection is None or connection.over(moment) else connection

    def _forget(self, moment: float) -> None:
        while self._closed and self._closed[0].over(moment):
            connection = self._closed.popleft()
            self._matcher.forget(connection)
            self._batches.forget(connection.client)
            if self._clients.get(connection.client) is connection:
                del self._clients[connection.client]

    # -- batches ------------------------------------------------------------------------------

    def _replay_waiting(self) -> list[Observation]:
        events: list[Observation] = []
        while self._waiting and self._replay(self._waiting[0]):
            batch = self._waiting.popleft()
            self._replayer.close(batch.at)
            events += self._buffer.pull(batch.at - self._epoch)
            self._forget(batch.at)
        return events

    def _replay(self, batch: TickBatch) -> bool:
        """Replay the steps of a batch; return False if an answer is missing."""
        if self._steps is None:
            if not self._is_complete(batch):
                return False
            self._steps = self._matcher.steps(batch, lambda: self._gives_up(batch))
        for step in self._steps:
            if step is None:
                return False
            self._replayer.enter(step)
        self._steps = None
        return True

    def _is_complete(self, batch: TickBatch) -> bool:
        missing = [group.talk for group in batch.groups if group.missing]
        if not missing:
            return True
        if not self._gives_up(batch):
            return False
        for connection in missing:
            if connection is not None:
                connection.mute = True
        return True

    def _gives_up(self, batch: TickBatch) -> bool:
        return self._flushing or batch.age > _PATIENCE
