"""Requests for items: which worker asked, and when. Stored as arrays, for they are many."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from harness.checks.model.connections import Connection
from harness.checks.model.event_ref import EventRef
from harness.history import AskedForItem, Event, FoundEmpty, Worker


class ItemRequest(NamedTuple):
    """One request for an item; `room` is 0 if it withdraws an earlier request."""

    ref: EventRef
    connection: int
    room: int | None


class ItemRequests:
    """The requests of one worker, sorted by time."""

    def __init__(
        self, rows: Iterable[tuple[float, int, int, int]] = (), empty: Iterable[float] = ()
    ) -> None:
        ordered = sorted(rows)
        self._empty = array("d", sorted(empty))
        self._at = array("d", (row[0] for row in ordered))
        self._id = array("q", (row[1] for row in ordered))
        self._connection = array("q", (row[2] for row in ordered))
        self._room = array("q", (row[3] for row in ordered))

    def first(self, since: float, until: float) -> ItemRequest | None:
        """Return the first request in `since <= moment < until` that is not a withdrawal."""
        start, end = bisect_left(self._at, since), bisect_left(self._at, until)
        return next(
            (request for request in map(self._request, range(start, end)) if request.room != 0),
            None,
        )

    def last(self, since: float, until: float) -> ItemRequest | None:
        """Return the last request, or withdrawal, in `since <= moment < until`."""
        start, end = bisect_left(self._at, since), bisect_left(self._at, until)
        return self._request(end - 1) if end > start else None

    def after(self, moment: float) -> ItemRequest | None:
        """Return the first request later than `moment`, skipping withdrawals."""
        start = bisect_right(self._at, moment)
        rest = map(self._request, range(start, len(self._at)))
        return next((request for request in rest if request.room != 0), None)

    def answered_empty(self, since: float, until: float) -> bool:
        """Return whether the broker answered "empty" in `since <= moment <= until`."""
        return bisect_left(self._empty, since) < bisect_right(self._empty, until)

    def __len__(self) -> int:
        return len(self._at)

    def _request(self, index: int) -> ItemRequest:
        room = self._room[index]
        event_ref = EventRef(self._id[index], self._at[index])
        return ItemRequest(event_ref, self._connection[index], None if room < 0 else room)


class ItemRequestTable:
    """Collects the requests by the queue that they name."""

    def __init__(self) -> None:
        self._rows: dict[str, list[array[float]]] = {}
        #: By connection: the times when the broker answered that the queue is empty.
        self._empty: dict[int, array[float]] = {}
        # Any: each handler takes the type in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            AskedForItem: self._asked,
            FoundEmpty: self._found_empty,
        }

    def of(
        self, queues: frozenset[str], connections: Mapping[int, Connection]
    ) -> dict[Worker, ItemRequests]:
        """Return the requests for items of these queues by worker; skip unknown workers."""
        rows: dict[Worker, list[tuple[float, int, int, int]]] = {}
        for queue, (times, ids, numbers, rooms) in self._rows.items():
            if queue and queues and queue not in queues:
                continue
            for at, event_id, number, room in zip(times, ids, numbers, rooms, strict=True):
                connection = connections.get(int(number))
                if connection is not None and connection.worker is not None:
                    row = (at, int(event_id), int(number), int(room))
                    rows.setdefault(connection.worker, []).append(row)
        empty: dict[Worker, list[float]] = {}
        for number, moments in self._empty.items():
            connection = connections.get(number)
            if connection is not None and connection.worker is not None:
                empty.setdefault(connection.worker, []).extend(moments)
        return {
            worker: ItemRequests(worker_rows, empty.get(worker, ()))
            for worker, worker_rows in rows.items()
        }

    def _found_empty(self, event: Event, what: FoundEmpty) -> None:
        moments = self._empty.setdefault(what.connection, array("d"))
        moments.append(event.time if what.at is None else what.at)

    def _asked(self, event: Event, what: AskedForItem) -> None:
        columns = self._rows.get(what.queue)
        if columns is None:
            columns = self._rows[what.queue] = [array("d") for _ in range(4)]
        columns[0].append(event.time if what.at is None else what.at)
        columns[1].append(event.id)
        columns[2].append(what.connection)
        columns[3].append(-1 if what.room is None else what.room)
