"""Finds a connection's owner, by its address and the starts of the pod's container runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from harness.history import ConnectionOwner, Worker

#: The kubelet truncates timestamps by up to a second; clocks may differ by the skew. In seconds.
_SECOND, _SKEW = 1.0, 0.5


@dataclass
class _Connection:
    address: str
    at: float
    owner: Worker | None = None


class ConnectionOwners:
    """Determines, and later corrects, the owner of each connection.

    Moments are seconds since the start. A pod's address is known only after it has begun to send,
    and the restart of its container later still. So an owner may be recorded twice, and the last
    one that `tell` gets is valid.
    """

    def __init__(self, tell: Callable[[ConnectionOwner], object]) -> None:
        self._record = tell
        #: Held while an owner is recorded; otherwise a stale answer from a second thread could win.
        self._record_lock = threading.Lock()
        #: Never held during `tell`: a thread that waits for a record may call the query methods.
        self._lock = threading.Lock()
        #: Address → the runs that had it, with their start in whole seconds.
        self._runs: dict[str, dict[Worker, float]] = {}
        self._connections: dict[int, _Connection] = {}
        #: The last moment at which a run was seen alive; no later run started before it.
        self._last_alive: dict[Worker, float] = {}
        #: The moment by which it had ended, as far as that is known: the end of a whole second.
        self._ended_by: dict[Worker, float] = {}
        #: Runs that are known to be coming, and that have not started.
        self._upcoming: set[Worker] = set()

    def opened(self, connection: int, address: str, at: float) -> None:
        """Take in a new connection."""
        with self._record_lock:
            with self._lock:
                self._connections[connection] = _Connection(address, at)
            self._record_changes(address)

    def seen(
        self, address: str, uid: str, run: int, began: float | None, ended: float | None = None
    ) -> None:
        """Take in a run of a pod's container.

        Args:
            address: The pod's IP address; a run without one is ignored.
            uid: The pod's uid.
            run: The number of the container's run.
            began: The start as the kubelet reports it; None where it reports none.
            ended: The beginning of the second in which the run ended; None where it is not known.
        """
        if not address:
            return
        worker = Worker(uid, run)
        with self._record_lock:
            with self._lock:
                if began is None:
                    self._upcoming.add(worker)
                else:
                    self._runs.setdefault(address, {})[worker] = began
                if ended is not None:
                    self._ended_by[worker] = ended + _SECOND
            self._record_changes(address)

    def note_alive(self, worker: Worker, at: float) -> None:
        """Take in that a run lived at a moment: it wrote a line, or is about to get a fault."""
        with self._record_lock:
            with self._lock:
                if at <= self._last_alive.get(worker, -inf):
                    return
                self._last_alive[worker] = at
                following = Worker(worker.pod, worker.run + 1)
                addresses = [
                    candidate for candidate, runs in self._runs.items() if following in runs
                ]
            for address in addresses:
                self._record_changes(address)

    def current_run(self, address: str) -> Worker | None:
        """Return the newest run that is known to have this address.

        None also where that run had ended before the last connection came: then the next run
        exists, and is not known yet.
        """
        with self._lock:
            runs = self._runs.get(address)
            if not runs:
                return None
            newest = max(runs, key=lambda entry: (runs[entry], entry.run))
            opened_at = (
                entry.at for entry in self._connections.values() if entry.address == address
            )
            return None if self._had_ended(newest, max(opened_at, default=-inf)) else newest

    def newest_run(self, worker: Worker) -> Worker:
        """Return the newest known run of this worker's container."""
        with self._lock:
            known = (run for runs in self._runs.values() for run in runs if run.pod == worker.pod)
            return max(known, key=lambda run: run.run, default=worker)

    def _record_changes(self, address: str) -> None:
        with self._lock:
            changes = self._update_owners(address)
        for change in changes:
            self._record(change)

    def _update_owners(self, address: str) -> list[ConnectionOwner]:
        runs, changes = self._runs.get(address, {}), []
        for number, entry in self._connections.items():
            if entry.address != address or not runs:
                continue
            started = [worker for worker in runs if self._earliest_start(worker, runs) <= entry.at]
            owner: Worker | None
            if started:
                owner = self._run_alive_at(
                    max(started, key=lambda entry: (runs[entry], entry.run)), entry.at
                )
            else:
                owner = min(runs, key=lambda worker: (runs[worker], worker.run))
            if owner is not None and owner != entry.owner:
                entry.owner = owner
                changes.append(ConnectionOwner(number, owner))
        return changes

    def _run_alive_at(self, worker: Worker, at: float) -> Worker | None:
        """Return this run; where it had ended before, the next run if that is known to come."""
        if not self._had_ended(worker, at):
            return worker
        following = Worker(worker.pod, worker.run + 1)
        return following if following in self._upcoming else None

    def _had_ended(self, worker: Worker, at: float) -> bool:
        """Return whether a run is known to have ended before a moment."""
        return at > self._ended_by.get(worker, inf) + _SKEW

    def _earliest_start(self, worker: Worker, runs: dict[Worker, float]) -> float:
        """Return the earliest moment at which a run can have started.

        The kubelet truncates to whole seconds. When a container is killed and restarted within one
        second, both runs start in the same second; only the first run's life separates them.
        """
        previous = Worker(worker.pod, worker.run - 1)
        # A fault may be attributed to the previous run, which did not live longer because of that.
        last_alive = min(self._last_alive.get(previous, -inf), self._ended_by.get(previous, inf))
        return max(runs[worker], last_alive)
