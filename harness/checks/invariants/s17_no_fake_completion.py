"""S17: who cannot reach the broker, or finds no queue there, does not exit with 0."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from harness.checks.invariant import Invariant
from harness.checks.model import EventRef, RunModel, WorkerExit, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several


class _Want(NamedTuple):
    """A time in which nobody could be given anything, from the harm until it was healed."""

    harm: EventRef
    until: float


def check(view: RunModel) -> Iterator[Finding]:
    wants = [
        _Want(one.ref, healed.at if (healed := view.fault_log.healed.get(one.fault)) else inf)
        for one in view.fault_log.injected
        if one.of_all
    ]
    in_vain: list[WorkerLifetime] = []
    told = False
    for life in view.workers.values():
        want = next((one for one in wants if _was_in(life, one)), None)
        finding = _judge(view, life, want)
        if finding is not None:
            told = True
            yield finding
        elif want is not None and (life.end or life.connections):
            in_vain.append(life)
    if in_vain:
        yield passed(
            f"{several(len(in_vain), 'worker')} had no broker or no queue; none left with 0 then",
            *evidence_ids(in_vain[0].run.running, in_vain[0].end),
        )
    elif not told:
        yield unknown("no worker was without its broker and its queue")


def _was_in(life: WorkerLifetime, want: _Want) -> bool:
    """Whether this worker came in that time, and was given nothing in it."""
    # One that ends at once is seen only when it is over.
    came = life.run.running or life.run.ended
    given = life.attempts[0].delivered.at if life.attempts else inf
    return came is not None and want.harm.at <= came.at < want.until <= given


def _judge(view: RunModel, life: WorkerLifetime, want: _Want | None) -> Finding | None:
    """What it says by its exit, if it says that all was well."""
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
    stranger = next((one for one in view.connections.values() if one.worker is None), None)
    if stranger is None:
        return failed(f"{who} never reached the broker, and exited with 0", *evidence)
    why = "nobody knows whose a connection is, it may be its own"
    return unknown(f"{who} exited with 0; {why}", *evidence_ids(stranger.opened, end))


INVARIANT = Invariant("S17", "no fake completion", ("coarse", "fine"), check, level="extended")
