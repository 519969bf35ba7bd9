"""Connections of workers that were gone before the cluster knew their address.

Such a connection gets an owner only if exactly one run of a container can have made it. If two
runs fit, it stays without one: a wrong owner is worse than none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from harness.checks.model.cluster import Pod, Run
from harness.checks.model.connections import Connection
from harness.history import Worker

#: Seconds by which the clocks of the kubelet and the tap may differ.
_SKEW = 0.5
#: Longest run, in seconds, whose address may stay unknown (the kubelet counts whole seconds).
_SHORT = 2.0


def with_owners(
    connections: Mapping[int, Connection],
    runs: Mapping[Worker, Run],
    pods: Mapping[str, Pod],
    others: Collection[str],
) -> dict[int, Connection]:
    """Return the connections; those without an owner get the only run that fits.

    Args:
        connections: All connections by number.
        runs: All container runs, by worker.
        pods: All pods by uid.
        others: Addresses that do not belong to workers.
    """
    owned = {entry.worker for entry in connections.values()}
    unowned = [
        entry for entry in connections.values() if entry.worker is None and entry.opened is not None
    ]
    fitting: dict[int, list[Worker]] = {}
    for connection in unowned:
        if not connection.address or connection.address in others:
            continue
        known = {uid for uid, pod in pods.items() if pod.address == connection.address}
        candidate_pods = known or {uid for uid, pod in pods.items() if not pod.address}
        fitting[connection.number] = [
            worker
            for worker, run in runs.items()
            # The address of a worker with another connection was known.
            if worker.pod in candidate_pods
            and (known or worker not in owned)
            and _fits(run, connection)
        ]
    owned_connections = dict(connections)
    for number, workers in fitting.items():
        address = connections[number].address
        claimed_addresses = {
            connections[entry].address
            for entry, other_workers in fitting.items()
            if {*workers} & {*other_workers}
        }
        if len(workers) == 1 and claimed_addresses == {address}:
            owned_connections[number] = msgspec.structs.replace(
                connections[number], worker=workers[0]
            )
    return owned_connections


def _fits(run: Run, connection: Connection) -> bool:
    """Return whether the run covers the connection's whole time."""
    if run.started is None or run.finished_by is None or connection.opened is None:
        return False  # a worker that lives long enough has a known address
    if run.finished_by - run.started > _SHORT:
        return False
    if connection.opened.at < run.started - _SKEW:
        return False
    last = connection.opened.at
    if connection.closed is not None and not connection.cut:
        last = max(last, connection.closed.at)
    return last <= run.finished_by + _SKEW
