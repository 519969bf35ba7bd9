"""Names for a narrative: the numbers of workers and the names of their pods."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.checks.model.cluster import Pod
from harness.checks.model.connections import Connection
from harness.history import Worker


class WorkerNames(msgspec.Struct, frozen=True):
    """The names of the workers, pods and connection owners in one history."""

    numbers: Mapping[Worker, int] = {}
    pods: Mapping[str, str] = {}
    owners: Mapping[int, Worker] = {}

    def worker(self, worker: Worker) -> str:
        """Return the long name, such as `worker 2 (pod job-wq-2-abcde, run 0)`."""
        pod = self.pods.get(worker.pod, worker.pod)
        number = self.numbers.get(worker)
        short = "a worker" if number is None else f"worker {number}"
        return f"{short} (pod {pod}, run {worker.run})"

    def short(self, worker: Worker | None) -> str:
        """Return the short name, such as `worker 2`."""
        number = None if worker is None else self.numbers.get(worker)
        return "an unknown worker" if number is None else f"worker {number}"

    def at(self, connection: int | None) -> Worker | None:
        """Return the owner of a connection."""
        return None if connection is None else self.owners.get(connection)


def name_workers(
    workers: Mapping[Worker, object],
    pods: Mapping[str, Pod],
    connections: Mapping[int, Connection],
) -> WorkerNames:
    """Number the workers from 1, in the given order."""
    return WorkerNames(
        {worker: number for number, worker in enumerate(workers, start=1)},
        {pod.uid: pod.name for pod in pods.values()},
        {
            connection.number: connection.worker
            for connection in connections.values()
            if connection.worker is not None
        },
    )
