"""Connections of workers that were gone before the cluster knew their address.

Whose such a connection is follows where only one run of a container can have made it. Two that can
leave it open: a wrong owner is worse than none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from harness.checks.model.cluster import Pod, Run
from harness.checks.model.connections import Connection
from harness.history import Worker

#: Seconds by which the clocks of kubelet and tap may differ.
_SKEW = 0.5
#: Seconds, as the kubelet counts them in whole ones, of a run whose address may never be known.
_SHORT = 2.0


def with_owners(
    connections: Mapping[int, Connection],
    runs: Mapping[Worker, Run],
    pods: Mapping[str, Pod],
    others: Collection[str],
) -> dict[int, Connection]:
    """The connections; those of nobody known with the only run that fits. `others`: not workers."""
    owned = {one.worker for one in connections.values()}
    lost = [one for one in connections.values() if one.worker is None and one.opened is not None]
    fitting: dict[int, list[Worker]] = {}
    for connection in lost:
        if not connection.address or connection.address in others:
            continue
        known = {uid for uid, pod in pods.items() if pod.address == connection.address}
        places = known or {uid for uid, pod in pods.items() if not pod.address}
        fitting[connection.number] = [
            worker
            for worker, run in runs.items()
            # Who has another connection was known by its address.
            if worker.pod in places and (known or worker not in owned) and _fits(run, connection)
        ]
    found = dict(connections)
    for number, workers in fitting.items():
        address = connections[number].address
        claimed = {
            connections[one].address for one, others_ in fitting.items() if {*workers} & {*others_}
        }
        if len(workers) == 1 and claimed == {address}:
            found[number] = msgspec.structs.replace(connections[number], worker=workers[0])
    return found


def _fits(run: Run, connection: Connection) -> bool:
    """Whether the run lasted from before the connection's beginning until after its end."""
    if run.started is None or run.finished_by is None or connection.opened is None:
        return False  # who lives long enough has an address that is known
    if run.finished_by - run.started > _SHORT:
        return False
    if connection.opened.at < run.started - _SKEW:
        return False
    last = connection.opened.at
    if connection.closed is not None and not connection.cut:
        last = max(last, connection.closed.at)
    return last <= run.finished_by + _SKEW
