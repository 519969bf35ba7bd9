"""Whose a connection is: by its address, and by when the runs of that pod's container began."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from harness.history import ConnectionOwner, Worker

#: What the kubelet cuts off a moment, and by how much clocks may differ, in seconds.
_SECOND, _SKEW = 1.0, 0.5


@dataclass
class _Connection:
    address: str
    at: float
    owner: Worker | None = None


class ConnectionOwners:
    """Tells, and later corrects, whose a connection is. Moments are seconds since the start.

    A pod's address is known only after it has begun to talk, and the restart of its container
    later still: an answer may have to be given twice, and the last one that `tell` gets holds.
    """

    def __init__(self, tell: Callable[[ConnectionOwner], object]) -> None:
        self._tell = tell
        #: Held until an answer is told: an older one that comes after it would hold instead.
        self._turn = threading.Lock()
        #: Never held while `tell` is at work: who waits for what was told may ask `of`.
        self._lock = threading.Lock()
        #: Address → the runs that had it, with their beginnings in whole seconds.
        self._runs: dict[str, dict[Worker, float]] = {}
        self._connections: dict[int, _Connection] = {}
        #: The last moment at which a run is known to have lived; no later run began before.
        self._lived: dict[Worker, float] = {}
        #: The moment by which it had ended, as far as that is known: the end of a whole second.
        self._over: dict[Worker, float] = {}
        #: Runs that are known to be on their way, and not to have begun.
        self._coming: set[Worker] = set()

    def opened(self, connection: int, address: str, at: float) -> None:
        """A connection has come."""
        with self._turn:
            with self._lock:
                self._connections[connection] = _Connection(address, at)
            self._settle(address)

    def seen(
        self, address: str, uid: str, run: int, began: float | None, ended: float | None = None
    ) -> None:
        """A run of a pod's container; its moments as the kubelet says them, None when it does not.

        `ended` is the beginning of the second in which it did.
        """
        if not address:
            return
        worker = Worker(uid, run)
        with self._turn:
            with self._lock:
                if began is None:
                    self._coming.add(worker)
                else:
                    self._runs.setdefault(address, {})[worker] = began
                if ended is not None:
                    self._over[worker] = ended + _SECOND
            self._settle(address)

    def note_alive(self, worker: Worker, at: float) -> None:
        """This run lived at that moment: it wrote a line then, or is about to be harmed."""
        with self._turn:
            with self._lock:
                if at <= self._lived.get(worker, -inf):
                    return
                self._lived[worker] = at
                after = Worker(worker.pod, worker.run + 1)
                addresses = [one for one, runs in self._runs.items() if after in runs]
            for address in addresses:
                self._settle(address)

    def current_run(self, address: str) -> Worker | None:
        """The newest run that is known to have this address.

        None also where that one had ended before the last connection came: its next run is there,
        and not known yet.
        """
        with self._lock:
            runs = self._runs.get(address)
            if not runs:
                return None
            newest = max(runs, key=lambda one: (runs[one], one.run))
            its = (one.at for one in self._connections.values() if one.address == address)
            return None if self._was_over(newest, max(its, default=-inf)) else newest

    def newest_run(self, worker: Worker) -> Worker:
        """The newest run that is known of this one's container."""
        with self._lock:
            known = (one for runs in self._runs.values() for one in runs if one.pod == worker.pod)
            return max(known, key=lambda one: one.run, default=worker)

    def _settle(self, address: str) -> None:
        with self._lock:
            told = self._changed(address)
        for one in told:
            self._tell(one)

    def _changed(self, address: str) -> list[ConnectionOwner]:
        runs, told = self._runs.get(address, {}), []
        for number, one in self._connections.items():
            if one.address != address or not runs:
                continue
            before = [worker for worker in runs if self._began(worker, runs) <= one.at]
            owner: Worker | None
            if before:
                owner = self._alive(max(before, key=lambda one: (runs[one], one.run)), one.at)
            else:
                owner = min(runs, key=lambda worker: (runs[worker], worker.run))
            if owner is not None and owner != one.owner:
                one.owner = owner
                told.append(ConnectionOwner(number, owner))
        return told

    def _alive(self, worker: Worker, at: float) -> Worker | None:
        """This run; where it had ended before, the next one if that is known to come."""
        if not self._was_over(worker, at):
            return worker
        following = Worker(worker.pod, worker.run + 1)
        return following if following in self._coming else None

    def _was_over(self, worker: Worker, at: float) -> bool:
        """Whether a run is known to have ended before a moment."""
        return at > self._over.get(worker, inf) + _SKEW

    def _began(self, worker: Worker, runs: dict[Worker, float]) -> float:
        """The least moment at which a run can have begun.

        The kubelet cuts its moments to whole seconds: a container that is killed and started again
        within one has two runs that began in the same second, and only the first's life tells them
        apart.
        """
        before = Worker(worker.pod, worker.run - 1)
        # Whoever is harmed in its place, before it is known, has not lived on by that.
        lived = min(self._lived.get(before, -inf), self._over.get(before, inf))
        return max(runs[worker], lived)
