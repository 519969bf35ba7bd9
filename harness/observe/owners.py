"""Whose a connection is: by its address, and by when the runs of that pod's container began."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from harness.history import ConnectionOwner, Worker


@dataclass
class _Connection:
    address: str
    at: float
    owner: Worker | None = None


class Owners:
    """Tells, and later corrects, whose a connection is. Moments are seconds since the start.

    A pod's address is known only after it has begun to talk, and the restart of its container
    later still: an answer may have to be given twice, and the last one holds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Address → the runs that had it, with their beginnings in whole seconds.
        self._runs: dict[str, dict[Worker, float]] = {}
        self._connections: dict[int, _Connection] = {}

    def opened(self, connection: int, address: str, at: float) -> list[ConnectionOwner]:
        """A connection has come."""
        with self._lock:
            self._connections[connection] = _Connection(address, at)
            return self._settle(address)

    def seen(self, address: str, uid: str, run: int, began: float | None) -> list[ConnectionOwner]:
        """A run of a pod's container; `began` as the kubelet says it, None when it does not."""
        if not address or began is None:
            return []
        with self._lock:
            self._runs.setdefault(address, {})[Worker(uid, run)] = began
            return self._settle(address)

    def of(self, address: str) -> Worker | None:
        """The newest run that is known to have this address."""
        with self._lock:
            runs = self._runs.get(address)
            return max(runs, key=lambda one: (runs[one], one.run)) if runs else None

    def _settle(self, address: str) -> list[ConnectionOwner]:
        runs, told = self._runs.get(address, {}), []
        for number, one in self._connections.items():
            if one.address != address or not runs:
                continue
            # The kubelet cuts its moments to whole seconds: a run begins up to one later.
            before = {worker: began for worker, began in runs.items() if began <= one.at}
            if before:
                owner = max(before, key=lambda worker: (before[worker], worker.run))
            else:
                owner = min(runs, key=lambda worker: runs[worker])
            if owner != one.owner:
                one.owner = owner
                told.append(ConnectionOwner(number, owner))
        return told
