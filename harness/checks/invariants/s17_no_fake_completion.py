"""S17: a worker that cannot reach the broker, or finds no queue, does not exit with 0."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from harness.checks.invariant import Invariant
from harness.checks.model import EventRef, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several


class _Outage(NamedTuple):
    """An interval in which no worker could receive an item: from a fault until its healing."""

    harm: EventRef
    until: float


def check(view: RunModel) -> Iterator[Finding]:
    outages = [
        _Outage(fault.ref, healed.at if (healed := view.fault_log.healed.get(fault.fault)) else inf)
        for fault in view.fault_log.injected
        if fault.of_all
    ]
    unserved: list[WorkerLifetime] = []
    reported = False
    for life in view.workers.values():
        outage = next((outage for outage in outages if _started_during(life, outage)), None)
        finding = _judge(view, life, outage)
        if finding is not None:
            reported = True
            yield finding
        elif outage is not None and (life.end or life.connections):
            unserved.append(life)
    if unserved:
        yield passed(
            f"{several(len(unserved), 'worker')} had no broker or no queue; none left with 0 then",
            *evidence_ids(unserved[0].run.running, unserved[0].end),
        )
    elif not reported:
        yield unknown("no worker was without its broker and its queue")


def _started_during(life: WorkerLifetime, want: _Outage) -> bool:
    """Return whether this worker started during the outage and received nothing in it."""
    # A worker that exits at once is seen only after it ended.
    start = life.run.running or life.run.ended
    delivery = life.attempts[0].delivered.at if life.attempts else inf
    return start is not None and want.harm.at <= start.at < want.until <= delivery


def _judge(view: RunModel, life: WorkerLifetime, want: _Outage | None) -> Finding | None:
    """Judge an exit with 0 of a worker that received no item; None if nothing is wrong."""
    end, who = life.end, view.names.short(life.worker)
    if end is None or not life.success or life.attempts:
        return None
    evidence = evidence_ids(want.harm if want else None, life.run.running, end)
    if not life.connections:
        return _unreached(view, who, end, evidence)
    if want is None or end.earliest >= want.until:
        return None
    if end.latest > want.until:
        return unknown(f"{who} exited with 0 within a second of the queue's coming", *evidence)
    if view.coarse or view.header.sentinel:
        return failed(f"{who} found no queue, and exited with 0", *evidence)
    why = "to Redis a list that is not there is the same as an empty one"
    return unknown(f"{who} found no queue and exited with 0: {why}", *evidence)


def _unreached(view: RunModel, who: str, end: WorkerExit, evidence: tuple[int, ...]) -> Finding:
    unowned = next(
        (connection for connection in view.connections.values() if connection.worker is None), None
    )
    if unowned is None:
        return failed(f"{who} never reached the broker, and exited with 0", *evidence)
    reason = "nobody knows whose a connection is, it may be its own"
    return unknown(f"{who} exited with 0; {reason}", *evidence_ids(unowned.opened, end))


INVARIANT = Invariant("S17", "no fake completion", ("coarse", "fine"), check, level="extended")
