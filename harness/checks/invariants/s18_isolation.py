"""S18: two Jobs on two queues never share an item."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    if not view.header.neighbours:
        yield unknown("there was no other Job")
        return
    shared = [*_theirs(view), *_ours(view)]
    yield from shared
    there = [
        one
        for one in view.connections.values()
        if one.worker is None and one.address in view.neighbours
    ]
    if not there:
        yield unknown("no worker of the other Job was seen at the broker")
    elif not shared:
        yield passed(
            "the other Job had its items, and this one has its own", *evidence_ids(there[0].opened)
        )


def _theirs(view: RunModel) -> Iterator[Finding]:
    """What our workers say about items of the other Job."""
    foreign = set(view.header.neighbours)
    for line in view.unknown_items:
        if line.item in foreign:
            said = "has finished" if line.done else "begins"
            yield failed(
                f"{view.names.short(line.worker)} {said} {shown(line.item)}, "
                "which is another Job's",
                line.ref.id,
            )


def _ours(view: RunModel) -> Iterator[Finding]:
    """What workers of the other Job were given of our items."""
    for attempt in view.attempts:
        connection = view.connections[attempt.connection]
        neighbour = view.neighbours.get(connection.address)
        if attempt.worker is None and neighbour is not None:
            yield failed(
                f"{shown(attempt.item)} was given to pod {neighbour.name}, which is another Job's",
                *evidence_ids(attempt.delivered, neighbour.seen),
            )


INVARIANT = Invariant(
    "S18",
    "isolation",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
